"""Commands that read one record: show, text, get."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, option, pass_app
from recordkit.cli.i18n import N_, tr
from recordkit.errors import NotFound, WrongUsage
from recordkit.messages import coded, msg

if TYPE_CHECKING:
    from recordkit.archive.catalogue import Record
    from recordkit.settings import Settings


@click.command(cls=Command, help=N_("Show one record: by record id, archival code or document number."))
@click.argument("record")
@pass_app
def show(app: App, record: str) -> None:
    """Print everything the catalogue knows."""
    from recordkit.archive.attachments import attachments_of, pages_behind
    from recordkit.archive.boxes import paper_place
    from recordkit.archive.called import find_called
    from recordkit.archive.catalogue import came_as
    from recordkit.archive.losses import find_loss, loss_of
    from recordkit.archive.signature_facts import read_plain, told_signature
    from recordkit.archive.vague_dates import given_date
    from recordkit.archive.volumes import volume_of
    from recordkit.cli.holding import told_hold
    from recordkit.cli.telling import field_lines, form_fields, how_it_came
    from recordkit.retention.standing import standing_of

    with app.reading() as workspace:
        found = find_called(workspace, record)
        standing = standing_of(workspace, found, app.today)
        volume = volume_of(workspace.db, found.record_id)
        paper = paper_place(workspace.db, found)
        written_off = loss_of(workspace.db, found.record_id)
        loss = None if written_off is None else find_loss(workspace, written_off.loss_id)
        known = {} if app.json else form_fields(workspace, found)
        groups = _groups(found, workspace.settings) if app.json else {}
    if came_as(found, record):
        app.say(msg("{reference} is the code that it had in the archive it came from; here it is {code}.",
                    reference=record, code=found.code))
    fields = dict(found.fields)
    core: dict[str, object] = {
        "record_id": found.record_id,
        "code": found.code,
        "record_class": found.record_class,
        "year": found.year,
        "title": found.title,
        "date": found.date,
        "date_given": given_date(found),
        "pages": found.pages,
        "sha256": found.sha256,
        "issue_id": found.issue_id,
        "number": found.number,
        "status": standing.status,
        "class_name": standing.class_name,
        "holds": standing.holds,
        "retention": standing.retention,
        "signatures": found.metadata.get("signatures", []),
        "account": found.account,
        "party": found.party,
        "address": found.metadata.get("address"),
        "phone": found.metadata.get("phone"),
        "responsible": found.metadata.get("responsible"),
        "box": found.metadata.get("box"),
        "shelf": found.metadata.get("shelf"),
        "volume": volume.code if volume is not None else None,
        "paper": {"box": paper.box, "shelf": paper.shelf, "box_shelf": paper.box_shelf},
        "access": found.access,
        "version": found.version,
        "destroyed_by": found.destroyed_by,
        "lost": None if loss is None else {
            "loss": loss.loss_id, "registered": loss.registered, "registered_by": loss.registered_by,
            "confirmed": loss.confirmed, "confirmed_by": loss.confirmed_by},
        "matched": found.metadata.get("matched"),
        "source": found.metadata.get("source"),
        "findings": _told(found.metadata.get("findings")),
        "attachments": [
            {"attachment": one.number, "name": one.name, "pages": one.pages, "sha256": one.sha256, "item": one.item,
             "source": one.source, "added_at": one.added_at, "findings": _told(list(one.findings))}
            for one in attachments_of(found)
        ],
    }
    core["attachment_pages"] = pages_behind(found)
    coming = ("page_order", "batch", "match_confidence", "security", "keywords", "note", "period_term", "origin")
    core |= {name: found.metadata[name] for name in coming if name in found.metadata}
    if found.status == "destroyed":
        # What the ledger knows; day and page count went with the record.
        core |= {"date": None, "pages": None}
    if app.json:
        app.print_json({**fields, **core, "fields": fields, "groups": groups})
        return
    names = {
        "record_id": N_("Record id"), "code": N_("Code"), "record_class": N_("Class"), "year": N_("Year"),
        "title": N_("Title"), "date": N_("Date"), "date_given": N_("Date as given"),
        "pages": N_("Pages"), "sha256": "SHA-256",
        "issue_id": N_("Issue"), "number": N_("Number"), "status": N_("Status"), "account": N_("Account"),
        "party": N_("Party"), "responsible": N_("Responsible"), "box": N_("Box"), "shelf": N_("Shelf"),
        "security": N_("Security"), "keywords": N_("Keywords"), "note": N_("Note"),
        "period_term": N_("Period term as inherited"), "volume": N_("Volume"), "access": N_("Access"),
        "version": N_("Version"), "source": N_("Source"),
    }
    told = {**core, "shelf": paper.shelf, "status": msg(standing.status), "access": tr(found.access),
            "record_class": coded(found.record_class, standing.class_name).render(tr)}
    app.print_pairs([(name, told[key]) for key, name in names.items() if told.get(key) not in (None, "", [])])
    if loss is not None:
        app.print_pairs([(N_("Written off as lost"), tr("{loss}, registered on {day} by {first}, confirmed by {second}"
                          ).format(loss=loss.loss_id, day=loss.registered, first=loss.registered_by,
                                   second=loss.confirmed_by))])
    app.print_pairs(list(how_it_came(found)))
    if paper.box_shelf is not None:
        app.say(tr("Its box {box} stands at {shelf}; the record's own place counts.").format(
            box=paper.box, shelf=paper.box_shelf))
    click.echo(standing.reason.render(tr))
    app.print_pairs([(N_("Hold"), told_hold(one)) for one in standing.holds])
    for finding in core["findings"] if isinstance(core["findings"], list) else []:
        app.print_pairs([(N_("Finding"), finding["message"])])
    for one in attachments_of(found):
        line = tr("{number}: {what}, {pages} page(s), from {source}").format(
            number=one.number, what=one.item or tr("no item of the checklist"), pages=one.pages, source=one.source)
        app.print_pairs([(N_("Attachment"), line)])
        app.print_pairs([("  " + tr("Finding"), finding["message"]) for finding in _told(list(one.findings))])
    app.print_pairs([(N_("Signature"), told_signature(one)) for one in read_plain(core["signatures"])])
    app.print_pairs(list(field_lines(found, known)))


def _groups(record: Record, settings: Settings) -> dict[str, dict[str, object]]:
    """By the groups of DA/T 46-2009."""
    from recordkit.archive.metadata_groups import metadata_groups

    return metadata_groups(record, settings)


def _told(findings: object) -> list[dict[str, object]]:
    """Stored findings in the reader's language."""
    from recordkit.archive.told import read_findings

    return [{"code": one.code, "message": one.message} for one in read_findings(findings)]


@click.command(cls=Command, help=N_("Print the text of a record, page by page."))
@click.argument("record")
@pass_app
def text(app: App, record: str) -> None:
    """Print the text that search sees."""
    from recordkit.archive.attachments import read_texts
    from recordkit.archive.called import find_called
    from recordkit.archive.catalogue import objects_of

    with app.reading() as workspace:
        found = find_called(workspace, record)
        require_active(found)
        pages: list[dict[str, object]] = []
        for attachment, some in read_texts(objects_of(workspace), found):
            # Counted as search counts them: on behind the paper's own.
            pages += [{**page, "page": len(pages) + count, "attachment": attachment,
                       "attachment_page": None if attachment is None else count}
                      for count, page in enumerate(some, start=1)]
    if app.json:
        app.print_json({"items": pages, "total": len(pages)})
        return
    for page in pages:
        source = tr(str(page["source"]))
        if page["attachment"] is None:
            click.echo(tr("--- page {page} ({source}) ---").format(page=page["page"], source=source))
        else:
            click.echo(tr("--- page {page} = attachment {number}, page {inside} ({source}) ---").format(
                page=page["page"], number=page["attachment"], inside=page["attachment_page"], source=source))
        click.echo(page["text"])


def require_active(record: Record) -> None:
    """Refuse a record of which nothing is left, naming the order."""
    if record.status == "destroyed":
        raise NotFound(
            msg("The record {code} was destroyed; nothing of it is left.", code=record.code),
            msg("Its row stands in the register: recordkit destruction show {order}", order=record.destroyed_by or "?"),
        )


@click.command(cls=Command, help=N_("Copy the paper of a record, or an attachment, to a file."))
@click.argument("record")
@option("--searchable", is_flag=True, help=N_("The copy that can be read: with searchable text, unlocked or repaired."))
@option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help=N_("Where it goes."))
@option("--attachment", type=click.IntRange(1), metavar="N", help=N_("This attachment instead of the paper."))
@option("--version", "version", type=click.IntRange(1), metavar="N", help=N_("As it was in this version."))
@option("--force", is_flag=True, help=N_("Overwrite files that exist."))
@pass_app
def get(
    app: App, record: str, searchable: bool, out: Path, attachment: int | None, version: int | None, force: bool
) -> None:
    """Write the bytes as they came, or those of a copy made of them, checked against their digest."""
    from recordkit.archive.access import find_visible
    from recordkit.archive.attachments import stored_copy, stored_file
    from recordkit.archive.catalogue import objects_of

    if searchable and (attachment or version):
        raise WrongUsage(msg("--searchable does not go with --attachment or --version."))
    with app.reading() as workspace:
        found = find_visible(workspace, record)
        require_active(found)
        objects = objects_of(workspace)
        path, sha256 = stored_copy(objects, found) if searchable else stored_file(objects, found, attachment, version)
        marks = [f"-v{version}"] if version else []
        marks += [f"-{attachment:03}"] if attachment else []
        marks += [f"-{path.stem}"] if searchable else []
        name = f"{found.code}{''.join(marks)}{path.suffix}".replace("/", "_")
        target = out / name if out.is_dir() else out
        app.save(target, path.read_bytes(), force=force)
    if app.json:
        app.print_json({"record_id": found.record_id, "path": str(target), "sha256": sha256})
    else:
        click.echo(str(target))
