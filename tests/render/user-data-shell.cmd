"$fitout" render user-data profiles/web.cfg
