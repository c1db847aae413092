"""Commands of the ledger: verify, list, checkpoint, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, key_option, option, pass_app, passphrase_option
from recordkit.cli.dates import local_time
from recordkit.cli.i18n import N_, tr
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.progress import Progress
from recordkit.cli.saving import require_free
from recordkit.cli.showing import shown
from recordkit.cli.words import act_name
from recordkit.errors import IntegrityFailure
from recordkit.messages import msg

if TYPE_CHECKING:
    from recordkit.checkpoints import Checkpoint, Comparison
    from recordkit.people import Person
    from recordkit.retention.audit import ProvenAct
    from recordkit.workspace import Workspace


@click.group(cls=Group, help=N_("The chained log of every act."))
def ledger() -> None:
    """Group."""


@ledger.command("verify", cls=Command, help=N_(
    "Check the whole chain, every signature, and that nothing was cut. Changes nothing."))
@option("--against", type=click.Path(path_type=Path), metavar="CHECKPOINT", multiple=True,
        help=N_("A signed checkpoint - its file, a scan or photo of its page, or its lines typed - for which the chain "
                "must still be the same. May be repeated."))
@pass_app
def ledger_verify(app: App, against: tuple[Path, ...]) -> int:
    """Verify; works on a ledger that no command would open."""
    from recordkit.archive.checkpoint_pages import read_any_checkpoint
    from recordkit.checkpoints import Witnesses, kept_checkpoints
    from recordkit.ledger import Ledger, Verification
    from recordkit.model import Entry
    from recordkit.retention.audit import Audit, audit_entry, remarks_of
    from recordkit.settings import load_settings

    settings = load_settings(app.store)
    witnesses = Witnesses(settings.store.id, kept_checkpoints(app.store), needed=against, read=read_any_checkpoint)
    audit = Audit()

    def take(entry: Entry) -> None:
        witnesses.take(entry)
        audit_entry(audit, entry, settings.store.id)

    told = False
    found: Verification
    files_of_store = Ledger(app.store / "ledger", settings.ledger.max_bytes)
    with Progress(app, tr("Verifying the ledger"), files_of_store.size(), "bytes") as progress:
        try:
            with app.reading() as workspace:
                found = workspace.verify_ledger(places=witnesses.places, take=take, progress=progress)
        except IntegrityFailure as failure:
            found = files_of_store.verify(places=witnesses.places, take=witnesses.take, progress=progress)
            if found.ok:
                # The chain is whole in itself, yet does not fit the store: say what the store said.
                found = Verification(False, found.entries, found.entries + 1, failure.what, found.head,
                                     0, found.hashes)
                told = True
    compared = witnesses.compare(found)
    signatures = [one.message for one in audit.findings] if found.ok else []
    against_it = [msg("The checkpoint {file}: {reason}.", file=str(one.source), reason=finding)
                  for one in compared for finding in one.findings]
    # In a simulation --as-of moves the clock to and fro.
    remarks = [one.message for one in remarks_of(audit)
               if found.ok and not (settings.store.simulation and one.code == "back-dated")]
    ok = found.ok and not signatures and not against_it
    reasons = [*([found.reason] if found.reason is not None else []), *against_it, *signatures]
    places = [place for place in (found.first_bad, *(one.first_bad for one in compared)) if place is not None]
    first_bad = min(places, default=None)
    if app.json:
        app.print_json({"ok": ok, "entries": found.entries, "first_bad": first_bad,
                        "reason": reasons[0] if reasons else None, "head": found.head,
                        "torn_bytes": found.torn_bytes, "signatures": signatures, "remarks": remarks,
                        "acts": [_plain_act(one) for one in audit.acts],
                        "checkpoints": [_plain_comparison(one) for one in compared]})
    else:
        if ok:
            click.echo(tr("The ledger is whole: {entries} entries, head {head}.").format(
                entries=found.entries, head=found.head))
        elif found.reason is not None:
            click.echo(shown(found.reason if told else msg("The ledger is damaged at entry {seq}: {reason}",
                                                           seq=found.first_bad, reason=found.reason)))
        else:
            click.echo(tr("The ledger is not to be trusted: its chain is whole, but"))
        for message in (*against_it, *signatures):
            click.echo("  " + message.render(tr))
        for one in compared[: len(against)]:
            if one.checkpoint is not None and not one.findings:
                said = one.checkpoint.statement
                app.say(msg("{by} (key {mark}) signed on {time} for the first {seq} entries; unchanged: {file}",
                            by=said.by, mark=one.checkpoint.mark, time=local_time(said.time), seq=said.seq,
                            file=str(one.source)))
        for act in audit.acts if found.ok else ():
            if act.paper is not None:
                app.say(msg("Entry {seq}: order {order}, {act}: {person} signed on paper (scan {record}), entered by "
                            "{by}.", seq=act.seq, order=act.order_id, act=act_name(act.act), person=act.person,
                            record=act.paper, by=act.entered_by))
        if remarks:
            app.say(tr("To be looked at, though the ledger holds:"))
        for remark in remarks[:_MOST_REMARKS]:
            app.say("  " + remark.render(tr))
        if len(remarks) > _MOST_REMARKS:
            app.say(tr("  and {count} more; --json names all of them.").format(count=len(remarks) - _MOST_REMARKS))
        kept = [one.checkpoint.statement.seq for one in compared[len(against) :]
                if one.checkpoint is not None and not one.findings]
        if kept:
            app.say(msg("{count} checkpoint(s) kept in the store agree, the last one about the first {seq} entries.",
                        count=len(kept), seq=max(kept)))
        if not found.ok:
            app.say(msg("Keep the store as it is: nobody enters anything, nobody edits the file. 'recordkit mend COPY "
                        "--dry-run' says what a copy of the store brings back."))
        elif not ok:
            app.say(msg("Nothing can be mended here: let the administrator and the auditor look at the entries named, "
                        "and keep a copy of the folder ledger as it is."))
    if found.torn_bytes:
        app.say(tr("It ends in an unfinished batch of {bytes} bytes; the next act discards it.").format(
            bytes=found.torn_bytes))
    return 0 if ok else 7


_MOST_REMARKS = 20


def _plain_act(one: ProvenAct) -> dict[str, object]:
    return {"entry": one.seq, "order": one.order_id, "act": one.act, "person": one.person,
            "route": "key" if one.paper is None else "paper", "entered_by": one.entered_by, "paper": one.paper}


def _plain_comparison(one: Comparison) -> dict[str, object]:
    said = one.checkpoint.statement if one.checkpoint is not None else None
    return {
        "file": str(one.source),
        "ok": not one.findings,
        "seq": said.seq if said else None,
        "head": said.head if said else None,
        "time": said.time if said else None,
        "by": said.by if said else None,
        "key": one.checkpoint.mark if one.checkpoint is not None else None,
        "known": one.known,
        "findings": list(one.findings),
    }


@ledger.command("list", cls=Command, help=N_("List entries."))
@option("--record", metavar="RECORD", help=N_("Only entries about this record."))
@option("--actor", metavar="ID", help=N_("Only entries by this person."))
@pass_app
def ledger_list(app: App, record: str | None, actor: str | None) -> None:
    """Print the entries."""
    from recordkit.archive.catalogue import find_record
    from recordkit.archive.history import names_record

    with app.reading() as workspace:
        record_id = find_record(workspace.db, record).record_id if record else None
        items = [
            {"seq": entry.seq, "time": entry.time, "actor": entry.actor, "act": entry.act, "body": entry.body,
             "hash": entry.hash}
            for entry, _ in workspace.ledger.read()
            if (actor is None or entry.actor == actor)
            and (record_id is None or names_record(entry.body, record_id))
        ]
    if not app.json:
        items = [{**item, "act": act_name(str(item["act"])), "hash": str(item["hash"])[:12]} for item in items]
    app.print_items(items, [("seq", N_("No.")), ("time", N_("Time")), ("actor", N_("Who")), ("act", N_("Act")),
                            ("hash", N_("Hash"))], empty=msg(
        "No entry of the ledger is by that person or about that record; 'recordkit ledger list' without conditions "
        "lists all."))


out_option = option("--out", type=click.Path(path_type=Path), metavar="FILE", required=True, help=N_("The file."))
force_option = option("--force", is_flag=True, help=N_("Overwrite files that exist."))


@ledger.command("checkpoint", cls=Command,
                help=N_("Verify the ledger and sign, as administrator, how far it is; FILE is kept elsewhere: .docx, "
                        ".pdf and .txt are pages to print, any other ending the checkpoint itself."))
@out_option
@key_option
@passphrase_option
@force_option
@dry_run_option
@pass_app
def ledger_checkpoint(
    app: App, out: Path, key: Path | None, passphrase_file: str | None, force: bool, dry_run: bool
) -> None:
    """Sign with --key, else with the key that RECORDKIT_ADMIN_KEY names."""
    from recordkit.checkpoints import keep_checkpoint, make_checkpoint
    from recordkit.people import load_private_key

    del passphrase_file  # read by App.passphrase
    require_free(out, force=force)
    with app.acting(rehearse=dry_run) as workspace:
        private = load_private_key(key, app.passphrase(key)) if key is not None else app.admin_key(None)
        signer = _signer(app, workspace, private.public_key().public_bytes_raw().hex())
        with Progress(app, tr("Verifying the ledger"), workspace.ledger.size(), "bytes") as progress:
            found = workspace.verify_ledger(progress=progress)
        checkpoint = make_checkpoint(workspace, signer, private, found)
        said = checkpoint.statement
        if not dry_run:
            app.save(out, _page(workspace, checkpoint, signer, out.suffix.lower()), force=force)
            keep_checkpoint(workspace.root, checkpoint)
    if app.json:
        app.print_json({"file": None if dry_run else str(out), "store": said.store, "seq": said.seq, "head": said.head,
                        "entries": said.entries, "time": said.time, "by": said.by, "key": checkpoint.mark,
                        "dry_run": dry_run})
    elif dry_run:
        print_plan(app, [
            Step(msg("Sign as {by} for {entries} entries of the ledger, up to the hash", by=said.by,
                     entries=said.entries), said.head),
            Step(msg("Write the checkpoint"), str(out)),
            Step(msg("Keep a copy of it in the store"), "ledger/checkpoints"),
        ])
    else:
        app.say(msg("{by} (key {mark}) signed for {entries} entries, head {head}: {file}.", by=said.by,
                    mark=checkpoint.mark, entries=said.entries, head=said.head, file=str(out)))
        app.say(msg("Keep the file where nobody who can write the store can reach it; 'recordkit ledger verify "
                    "--against FILE' holds the ledger against it."))


def _page(workspace: Workspace, checkpoint: Checkpoint, signer: Person, kind: str) -> bytes:
    """What is written to a file of this ending.

    Raises:
        MissingPart: a PDF is wanted and LibreOffice is not installed.
        PartlyDone: LibreOffice made none.
    """
    from recordkit.archive.checkpoint_pages import page_docx, page_text

    if kind == ".txt":
        return page_text(checkpoint, workspace.settings, signer.name).encode()
    if kind not in (".docx", ".pdf"):
        return checkpoint.as_bytes()
    page = page_docx(checkpoint, workspace.settings, signer.name)
    if kind == ".docx":
        return page
    import os

    from recordkit import files
    from recordkit.templates.pdf import convert_to_pdf

    with workspace.staging() as staging:
        source = staging / "checkpoint.docx"
        files.write_atomic(source, page)
        return convert_to_pdf([source], staging / "pdf", os.environ)[source].read_bytes()


def _signer(app: App, workspace: Workspace, public_key: str) -> Person:
    """The administrator whose key it is; with --as, that very person."""
    from recordkit.people import administrator_with, list_people

    register = list_people(workspace.db)
    return administrator_with([one for one in register if app.actor in (None, one.id)], public_key)


@ledger.command("export", cls=Command, help=N_("Copy entries to a file, as they stand, one JSON object a line."))
@out_option
@option("--from", "first", type=click.IntRange(1), metavar="SEQ", default=1, help=N_("The first entry."))
@option("--to", "last", type=click.IntRange(1), metavar="SEQ", help=N_("The last entry."))
@force_option
@dry_run_option
@pass_app
def ledger_export(app: App, out: Path, first: int, last: int | None, force: bool, dry_run: bool) -> None:
    """Check the chain and copy."""
    from recordkit.checkpoints import export_ledger

    require_free(out, force=force)
    with app.reading() as workspace:
        end = min(last or workspace.db.cursor().seq, workspace.db.cursor().seq)
        if dry_run and app.json:
            app.print_json({"file": str(out), "entries": max(end - first + 1, 0), "from": first, "to": end,
                            "dry_run": True})
            return
        if dry_run:
            print_plan(app, [Step(msg("Write entries {first} to {last} of the ledger", first=first, last=end),
                                  str(out))])
            return
        with Progress(app, tr("Exporting the ledger"), end) as progress:
            count, size = export_ledger(workspace.ledger, out, first=first, last=last, overwrite=force,
                                        progress=progress)
    if app.json:
        app.print_json({"file": str(out), "entries": count, "bytes": size, "from": first, "to": end})
    else:
        app.say(msg("{count} entries, {bytes} bytes: {file}.", count=count, bytes=size, file=str(out)))
