#!/bin/sh -e
# The grammar, and commands in the forms they come in.
BASE=http://127.0.0.1:8000 VERSION=1.14
FILES="$BASE/files"
apt-get update -qq && apt-get install -y --no-install-recommends ruby "wget" \
	curl
apt-get install ruby
groupadd -r web; useradd -r -g web web
sudo mkdir -p /srv/app /var/log/app && chmod 750 /var/log/app
cd /tmp || exit 1
curl -fsSL "$BASE/nginx$VERSION.tar.gz" | tar -xz -C /srv/app --strip-components=1
curl -o /tmp/php.tgz ${BASE}/php7.tar.gz; tar xzf php.tgz -C /opt
wget -q -O /etc/app/settings.ini "$FILES/settings.ini"
wget -qP /tmp $FILES/tool
mv /tmp/tool /usr/local/bin/
chown -R web:web /srv/app
ln -sf /srv/app/bin/app /usr/local/bin/app
cat >/etc/motd <<MOTD
Say "hello" to ${USER}: C:\temp
	tab
MOTD
echo 'one  line' > /etc/app/one
echo more >>/etc/app/one
install -m 644 /srv/app/app.conf /etc/app/app.conf
cp -r /srv/app/share /usr/share/app
systemctl enable --now app.service
/etc/init.d/zabbix-agent start
systemctl stop other
aws s3 cp s3://bucket/agent.rb /opt/agent/
aws s3 cp s3://bucket/dir /opt/dir --recursive
for n in 1 2 3; do echo $n; useradd user$n; done
stop_it() {
	kill 1 # 'not quoted
}
export PASSWORD=hunter2
sleep 30
curl https://example.com/install.sh | sudo bash
unzip web.zip
case "$1" in start) apt-get install -y extra ;; esac
reboot
