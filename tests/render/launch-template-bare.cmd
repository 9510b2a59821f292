"$fitout" render launch-template --form none profiles/plain.cfg
