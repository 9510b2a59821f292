"$fitout" render user-data --form pointer --pointer s3://profiles/plain.cfg profiles/plain.cfg
