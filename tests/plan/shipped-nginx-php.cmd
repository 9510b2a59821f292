# The profile that is shipped, with what only the command line can give.
cd ../../profiles &&
	"$fitout" validate nginx-php.cfg \
		--set nginx_sha256=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
		--set php_sha256=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb \
		--set agent_sha256=cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
