"$fitout" render iam-policy --region cn-north-1 --account 123456789012 --pointer s3://profiles/web.cfg --revisions revisions profiles/web.cfg
