"""An S3-compatible store for blobs above what a broker takes; the digest is the key of an object."""

from urllib.parse import urlsplit

from edge_tosca.errors import FleetError, MissingExtraError

_MOST_BYTES = 64 << 20
_EXAMPLE = "write s3://bucket/prefix, or https://host:port/bucket/prefix"


class S3Objects:
    """Objects of one bucket. Credentials come from where boto3 looks: the environment, or ~/.aws.

    Args:
        address: s3://bucket/prefix for Amazon's, http(s)://host:port/bucket/prefix for another one.

    Raises:
        MissingExtraError: boto3 is not installed.
        FleetError: the address is invalid.
    """

    def __init__(self, address: str) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise MissingExtraError("boto3", "fleet") from None
        parts = urlsplit(address)
        path = parts.path.strip("/")
        if parts.scheme == "s3" and parts.netloc:
            endpoint, self._bucket, prefix = None, parts.netloc, path
        elif parts.scheme in ("http", "https") and parts.netloc and path:
            endpoint = f"{parts.scheme}://{parts.netloc}"
            self._bucket, _, prefix = path.partition("/")
        else:
            raise FleetError(f"{address[:80]!r} is no address of an S3 store; {_EXAMPLE}")
        self._prefix = f"{prefix}/" if prefix else ""
        self._where = f"S3 store {endpoint or 's3:'}/{self._bucket}"
        config = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2})
        self._client = boto3.client("s3", endpoint_url=endpoint, config=config)

    def put(self, digest: str, blob: bytes) -> None:
        """Store a blob under its name.

        Raises:
            FleetError: the store cannot be reached, or refuses.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + digest, Body=blob)
        except (BotoCoreError, ClientError) as error:
            raise self._error(error) from None

    def get(self, digest: str) -> bytes | None:
        """Return a blob; None where there is none.

        Raises:
            FleetError: the store cannot be reached, refuses, or the object is larger than any pack.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + digest)
            data: bytes = found["Body"].read(_MOST_BYTES + 1)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                return None
            raise self._error(error) from None
        except BotoCoreError as error:
            raise self._error(error) from None
        if len(data) > _MOST_BYTES:
            raise FleetError(f"{self._where}: an object is larger than any pack; remove it: {digest}")
        return data

    def delete(self, digest: str) -> None:
        """Remove a blob, if it is there.

        Raises:
            FleetError: the store cannot be reached, or refuses.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + digest)
        except (BotoCoreError, ClientError) as error:
            raise self._error(error) from None

    def _error(self, error: Exception) -> FleetError:
        reason = " ".join(str(error).split())[:200]
        return FleetError(f"{self._where}: {reason}; check its address, the bucket and the credentials")
