"$fitout" render packer --region eu-west-1 --image-id ami-0123456789abcdef0 profiles/web.cfg
