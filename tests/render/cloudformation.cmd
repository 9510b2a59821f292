"$fitout" render cloudformation profiles/web.cfg
