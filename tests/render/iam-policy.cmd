"$fitout" render iam-policy profiles/web.cfg
