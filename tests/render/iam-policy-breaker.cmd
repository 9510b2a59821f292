"$fitout" render iam-policy profiles/breaker.cfg
