run() { "$fitout" render "$@" >/dev/null; echo "status $?"; }
run
run user-dat profiles/plain.cfg
run --form mime user-data profiles/plain.cfg
run user-data
run iam-policy --form mime profiles/plain.cfg
run packer --name x profiles/plain.cfg
run user-data --form yaml profiles/plain.cfg
run user-data --encoding base64 profiles/plain.cfg
run user-data --form pointer profiles/plain.cfg
run user-data --form none profiles/plain.cfg
run user-data --pointer /etc/x profiles/plain.cfg
run user-data --binary-url https://x.example.com/f profiles/plain.cfg
run user-data --binary-url s3://x/f --binary-sha256 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef profiles/plain.cfg
run user-data --binary-url https://x.example.com/f --binary-sha256 12 profiles/plain.cfg
run user-data --binary fitout profiles/plain.cfg
run launch-configuration profiles/plain.cfg
run launch-template --hop-limit 65 profiles/plain.cfg
run iam-policy --account 12 profiles/web.cfg
run iam-policy --region 'eu west' profiles/web.cfg
run user-data /nonexistent.cfg
run user-data --pointer s3://b/web.cfg profiles/plain.cfg
run iam-policy --revisions 'r*' profiles/web.cfg
