"""The bound of what a browser may upload, and of the disk that it is kept on meanwhile."""

from typing import Any

import structlog
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import (
    FileUploadHandler,
    StopUpload,
    TemporaryFileUploadHandler,
)

log = structlog.get_logger(__name__)

# Why a file was not taken; the request is marked with it as `upload_refused`.
TOO_LARGE, NO_ROOM = "too large", "no room"


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
            self.request.upload_refused = TOO_LARGE  # type: ignore[union-attr]
            raise StopUpload
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        return None


class SpooledUploads(TemporaryFileUploadHandler):
    """Keeps a large file on the disk of temporary files; marks the request where that is full."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().new_file(*args, **kwargs)
        except OSError as error:
            self._stop(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        try:
            return super().receive_data_chunk(raw_data, start)
        except OSError as error:
            self._stop(error)
            return None

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        try:
            return super().file_complete(file_size)
        except OSError as error:
            self._stop(error)
            return None

    def _stop(self, error: OSError) -> None:
        log.error("an upload can't be kept", words=str(error))
        self.request.upload_refused = NO_ROOM  # type: ignore[union-attr]
        raise StopUpload from error
