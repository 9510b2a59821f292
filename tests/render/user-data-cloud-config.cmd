"$fitout" render user-data --form cloud-config --binary /opt/fitout profiles/web.cfg
