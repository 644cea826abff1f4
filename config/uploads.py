"""The bound of what a browser may upload."""

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload


class BoundedUploads(FileUploadHandler):
    """Stops reading a file that is larger than is taken, and marks the request with it.

    It stands before the handlers that keep what comes, so that nothing larger fills a disk.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.seen = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.seen += len(raw_data)
        if self.seen > settings.UPLOAD_MAX_BYTES:
            self.request.upload_is_too_large = True  # type: ignore[union-attr]
            raise StopUpload
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        return None
