cd ../../profiles &&
	"$fitout" validate demo.cfg --set prefix=/opt/demo \
		--set origin_port=8000 --set http_port=18080 \
		--set fpm_port=19000 \
		--set agent_program=/opt/demo/agent/demo-agent \
		--set nginx_sha256=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
		--set php_sha256=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
