"$fitout" render profile profiles/web.cfg
