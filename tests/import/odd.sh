#!/usr/bin/env bash
# Forms that are met in the wild.
set -euo pipefail
exec > >(tee /var/log/user-data.log) 2>&1
PROGS=/usr/local/programs
apt-get install -y nginx=1.18 ./local.deb jq
groupadd -r -g 900 www
useradd -r -u 900 -g www -d /srv/www -s /usr/sbin/nologin www || true
mkdir -m 750 -p /srv/data
mkdir -p $PROGS /var/www/{a,b}
chown www:www /srv/data; chmod 770 /srv/data
curl -fsSo /usr/local/bin/jq https://artifacts.example.com/jq
chmod +x /usr/local/bin/jq
curl -fsSL https://artifacts.example.com/php.tar.xz | tar xJ -C $PROGS
wget -qO /tmp/nginx.tgz https://artifacts.example.com/nginx.tgz
tar xzf /tmp/nginx.tgz -C $PROGS --strip-components=1
cat >/etc/supervisor/conf.d/nginx.conf <<CONF
[program:nginx]
command=$PROGS/nginx/sbin/nginx \$HOME $OTHER
CONF
cat >/etc/literal <<'CONF'
$PROGS stays
CONF
cp *.conf /etc/app/
if [ -f /etc/debian_version ]; then
	apt-get install -y more
