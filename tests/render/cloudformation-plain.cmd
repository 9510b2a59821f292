"$fitout" render cloudformation --form none profiles/plain.cfg
