# Without the digests it says where they are missing.
cd ../../profiles && "$fitout" validate nginx-php.cfg
