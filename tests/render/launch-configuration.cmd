"$fitout" render launch-configuration --form none --image-id ami-0123456789abcdef0 --instance-type t3.small --instance-profile web profiles/plain.cfg
