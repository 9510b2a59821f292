# It is valid as it is shipped.
cd ../../profiles && "$fitout" validate nginx-php.cfg
