#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/unit/endpoint_cases.h: where botocore finds each service, in
each partition, with FIPS and dual stack. A combination that botocore refuses
is left out."""
import os
import sys
from urllib.parse import urlsplit

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "cn-north-1",
           "us-gov-west-1", "us-iso-east-1", "us-isob-east-1")
SERVICES = ("autoscaling", "cloudformation", "ec2", "sts")
BUCKETS = ("my-bucket", "my.bucket")


class _Raw:
    def stream(self, *args, **more):
        return iter(())


def asked(client, bucket):
    """The address of a GetObject, which is not sent."""
    seen = []

    def catch(request, **more):
        seen.append(request.url)
        return AWSResponse(request.url, 200, {}, _Raw())
    client.meta.events.register("before-send.s3.GetObject", catch)
    client.get_object(Bucket=bucket, Key="k")
    return seen[0]


def cases():
    os.environ["AWS_STS_REGIONAL_ENDPOINTS"] = "regional"
    session = botocore.session.Session()
    for region in REGIONS:
        for fips in (False, True):
            for dual in (False, True):
                if dual and region.startswith("us-iso"):
                    continue            # there is none
                config = dict(use_fips_endpoint=fips,
                              use_dualstack_endpoint=dual)

                def client(service, **more):
                    return session.create_client(
                        service, region_name=region,
                        config=Config(**config, **more),
                        aws_access_key_id="x", aws_secret_access_key="y")
                for service in SERVICES:
                    # Other botocores know no -fips there, nor does AWS.
                    if service == "cloudformation" and fips and not dual \
                            and region.startswith("us-gov"):
                        continue
                    try:
                        url = client(service).meta.endpoint_url
                    except BotoCoreError:
                        continue
                    yield (service, "", region, fips, dual,
                           urlsplit(url).netloc, "")
                for bucket in BUCKETS:
                    try:
                        url = asked(client("s3", s3={
                            "us_east_1_regional_endpoint": "regional"}),
                            bucket)
                    except BotoCoreError:
                        continue
                    split = urlsplit(url)
                    yield ("s3", bucket, region, fips, dual, split.netloc,
                           split.path[:-2])


def write(out):
    out.write("/* SPDX-License-Identifier: Apache-2.0 */\n"
              "/* Written by tests/aws/endpoint_cases.py. */\n"
              "#pragma once\n\n"
              "static const struct endpoint_case {\n"
              "\tconst char *service, *bucket, *region;\n"
              "\tbool fips, dual;\n\tconst char *host, *prefix;\n"
              "} endpoint_cases[] = {\n")
    for service, bucket, region, fips, dual, host, prefix in cases():
        out.write('\t{ "%s", "%s", "%s", %s, %s,\n\t\t"%s", "%s" },\n' % (
            service, bucket, region, str(fips).lower(), str(dual).lower(),
            host, prefix))
    out.write("};\n")


if __name__ == "__main__":
    write(sys.stdout)
