"$fitout" render user-data --form mime profiles/web.cfg
