#!/bin/bash
# What teams paste into user-data. Every fault in here is one on purpose.
mkdir -p /opt/bootstrap
cd /opt/bootstrap
rm -rf codedeploy
mkdir codedeploy
cd codedeploy
wget https://aws-codedeploy-us-east-1.s3.us-east-1.amazonaws.com/latest/install
chmod +x ./install
./install auto
service codedeploy-agent start
service codedeploy-agent status

cd /opt/bootstrap
wget http://127.0.0.1:8000/nginx1.14.tar.gz
tar -xf nginx1.14.tar.gz
mv nginx /usr/local/programs/
# rotate
\cp -f /usr/local/programs/nginx/logrotate.d/nginx /etc/logrotate.d/nginx
\cp -f /usr/local/programs/nginx/supervisor.d/nginx.conf /usr/local/programs/supervisor/conf.d/
rm nginx1.14.tar.gz

wget http://127.0.0.1:8000/php7.tar.gz
tar -xf php7.tar.gz
mv php7 /usr/local/programs/
\cp -f /usr/local/programs/php7/etc/supervisor.d/php-fpm.conf /usr/local/programs/supervisor/conf.d/
rm php7.tar.gz

running=`pgrep supervisor`
if [ -n  $running ]; then
    echo "supervisor runs, will reload"
    /usr/local/bin/supervisorctl reload
else
    echo "supervisor does not run, will start"
    /usr/local/bin/supervisord -c /usr/local/programs/supervisor/supervisord.conf
fi

chmod -R 777 /usr/local/programs/nginx/logs
echo "done"
