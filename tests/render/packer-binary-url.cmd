"$fitout" render packer --binary-url https://artifacts.example.com/fitout --binary-sha256 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef profiles/plain.cfg
