"$fitout" render iam-policy profiles/plain.cfg
