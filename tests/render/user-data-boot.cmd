"$fitout" render user-data --form boot --pointer s3://profiles/plain.cfg profiles/plain.cfg
echo "status $?"
"$fitout" --set x=y render user-data --form boot --pointer s3://profiles/plain.cfg profiles/plain.cfg
