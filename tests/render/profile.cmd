"$fitout" render profile profiles/plain.cfg
