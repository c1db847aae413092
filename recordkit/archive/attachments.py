"""Attachments as a record holds them: files of their own beside the signed paper, with their text.

record.json lists them under ``attachments``: ``name`` (``attachment-001.pdf``), ``pages`` (1-based, in that file),
``sha256``, ``size``, ``item`` of the form's checklist, ``source``, ``added_at``, ``added_by``, ``findings``. An entry
without ``name`` stands for pages of the signed paper's own file. Wherever pages are counted through (search, text), the
pages of attachments follow those of the paper.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from recordkit import files
from recordkit.archive.catalogue import ORIGINAL, Filed, Record
from recordkit.archive.names import COPIES
from recordkit.archive.objects import ObjectStore
from recordkit.errors import IntegrityFailure, NotFound
from recordkit.messages import Message, msg


class Attachment(Struct, frozen=True):
    """One file behind the signed paper; ``number`` is that in its name, ``pages`` how many it has."""

    number: int
    name: str
    pages: int
    sha256: str
    item: str | None
    source: str
    added_at: str
    findings: Sequence[Mapping[str, object]]


def attachments_of(record: Record) -> tuple[Attachment, ...]:
    """The attachments of a record in the order in which they came."""
    listed = record.metadata.get("attachments")
    return tuple(
        Attachment(number_of(str(one["name"])), str(one["name"]), len(one["pages"]), str(one["sha256"]),
                   one.get("item"), str(one.get("source", "")), str(one.get("added_at", "")), one.get("findings", ()))
        for one in (listed if isinstance(listed, list) else ())
        if one.get("name")
    )


def pages_behind(record: Record) -> list[list[int]]:
    """Runs of pages of the paper's own file that lie behind the document and are no pages of it."""
    listed = record.metadata.get("attachments")
    return [list(one["pages"]) for one in (listed if isinstance(listed, list) else ()) if not one.get("name")]


def name_of(number: int) -> str:
    """The file name of the attachment with this number, from 1."""
    return f"attachment-{number:03}.pdf"


def number_of(name: str) -> int:
    """The number in an attachment's file name."""
    return int(name.removeprefix("attachment-").removesuffix(".pdf"))


def text_name(name: str) -> str:
    """The file with the text of an attachment."""
    return f"{name.removesuffix('.pdf')}.text.json"


def place_of(record: Record, page: int) -> tuple[int | None, int]:
    """Where a page counted through the whole record lies: attachment (None for the paper itself), page in that file."""
    page -= record.pages
    if page <= 0:
        return None, page + record.pages
    for one in attachments_of(record):
        if page <= one.pages:
            return one.number, page
        page -= one.pages
    return None, page + record.pages


def read_texts(objects: ObjectStore, record: Record) -> Iterator[tuple[int | None, list[dict[str, object]]]]:
    """The stored pages of the paper (None), then those of each attachment by its number.

    Raises:
        NotFound: the record has no text.
        IntegrityFailure: a text cannot be read.
    """
    yield None, read_text(objects, record, "text.json")
    for one in attachments_of(record):
        yield one.number, read_text(objects, record, text_name(one.name))


def read_text(objects: ObjectStore, record: Record, name: str) -> list[dict[str, object]]:
    """The pages of one stored text; errors as ``read_texts``."""
    data = objects.read(record.record_id, name)
    try:
        return [{**page, "text": str(page["text"])} for page in json.loads(data)["pages"]]
    except (ValueError, KeyError, TypeError):
        raise IntegrityFailure(
            msg("The text {name} of {code} cannot be read.", name=name, code=record.code),
            msg("Run 'recordkit verify' and restore the object from a backup."),
        ) from None


def stored_file(
    objects: ObjectStore, record: Record, attachment: int | None = None, version: int | None = None
) -> tuple[Path, str]:
    """The paper of a record, or an attachment, as it was in ``version`` (default: now), with its SHA-256.

    Raises:
        NotFound: there is no such version or attachment.
        IntegrityFailure: its bytes are not those that were filed.
    """
    if version is not None and not 1 <= version <= record.version:
        raise NotFound(
            msg("The record {code} has no version {version}.", code=record.code, version=version),
            msg("Its newest version is {version}; 'recordkit history {code}' tells them all.", code=record.code,
                version=record.version),
        )
    then = record
    if version is not None:
        then = replace(record, metadata=json.loads(objects.read(record.record_id, "record.json", version)))
    if attachment is None:
        names = objects.names(record.record_id, version)
        name, digest = next(one for one in names if one.startswith("original.")), str(then.metadata["sha256"])
    else:
        found = next((one for one in attachments_of(then) if one.number == attachment), None)
        if found is None and version is not None:
            raise NotFound(
                msg("Version {version} of {code} has no attachment {number}.", version=version, code=record.code,
                    number=attachment),
                msg("'recordkit history {code}' tells which version brought it.", code=record.code),
            )
        if found is None:
            raise NotFound(
                msg("The record {code} has no attachment {number}.", code=record.code, number=attachment),
                msg("'recordkit show {code}' lists its attachments.", code=record.code),
            )
        name, digest = found.name, found.sha256
    path = objects.locate(record.record_id, name, version)
    if not path.exists() or files.digests_of(path).sha256 != digest:
        told = msg("The original of {code} is not what was filed.", code=record.code)
        if attachment is not None:
            told = msg("Attachment {number} of {code} is not what was filed.", number=attachment, code=record.code)
        raise IntegrityFailure(
            told, msg("Run 'recordkit verify {code}' and restore it from a backup.", code=record.code)
        )
    return path, digest


def stored_copy(objects: ObjectStore, record: Record) -> tuple[Path, str]:
    """The copy of a record's paper that can be read and searched, with its SHA-256.

    Raises:
        NotFound: none was made.
        IntegrityFailure: its bytes are not those that were stored.
    """
    names = objects.names(record.record_id)
    name = next((one for one in COPIES if one in names), None)
    if name is None:
        raise NotFound(
            msg("The record {code} has no searchable copy.", code=record.code),
            msg("Copies are made of scans that were read by OCR; its text: recordkit text {code}", code=record.code),
        )
    path = objects.locate(record.record_id, name)
    digests = files.digests_of(path) if path.exists() else None
    if digests is None or digests.sha512 != objects.recorded_digest(record.record_id, name):
        raise IntegrityFailure(
            msg("The file {name} of {code} is not what was filed.", name=name, code=record.code),
            msg("Run 'recordkit verify {code}' and restore it from a backup.", code=record.code),
        )
    return path, digests.sha256


def told_filed(filed: Filed) -> Message:
    """Where bytes that came again lie already."""
    record = filed.record
    if record.status == "destroyed":
        return msg("these bytes were destroyed as {code} under order {order}; the file stays where it is",
                   code=record.code, order=record.destroyed_by or "?")
    if filed.name != ORIGINAL:
        return msg("the same bytes are attachment {number} of {code}", number=number_of(filed.name), code=record.code)
    if filed.superseded:
        return msg("the same bytes are version {version} of {code}; a later scan took their place",
                   version=filed.version, code=record.code)
    return msg("the same bytes are filed as {code}", code=record.code)
