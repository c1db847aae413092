"""Commands of people and their keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordkit.cli.base import App, Command, Group, dry_run_option, option, pass_app, passphrase_option
from recordkit.cli.i18n import N_, tr, tr_list
from recordkit.cli.ordershow import listed_of
from recordkit.cli.plans import Step, print_plan
from recordkit.cli.words import meant
from recordkit.errors import InputRefused
from recordkit.messages import listed, msg

if TYPE_CHECKING:
    from recordkit.people import Person


@click.group(cls=Group, help=N_("Signing keys (Ed25519); a private key stays with its owner."))
def key() -> None:
    """Group."""


@key.command("create", cls=Command, help=N_("Make a key: FILE, encrypted with a passphrase, and FILE.pub."))
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@dry_run_option
@pass_app
def key_create(app: App, file: Path, passphrase_file: str | None, dry_run: bool) -> None:
    """Write both halves."""
    from recordkit.people import create_key, weak_passphrase

    del passphrase_file  # read by App.passphrase
    store = app.store.absolute().resolve()
    if (store / "recordkit.toml").exists() and file.absolute().resolve().is_relative_to(store):
        raise InputRefused(
            msg("{file} lies in the store: whoever reads or copies the store would have the key.", file=str(file)),
            msg("Keep a private key outside the store, where only its owner can read it."),
        )
    if dry_run:
        print_plan(app, [Step(msg("Write the private key, encrypted"), str(file)),
                         Step(msg("Write the public key"), f"{file}.pub")])
        return
    passphrase = app.passphrase(file, confirm=True)
    mark = create_key(file, passphrase)
    weakness = weak_passphrase(passphrase)
    if weakness is not None:
        app.say(weakness.render(tr))
    if app.json:
        app.print_json({"private": str(file), "public": f"{file}.pub", "fingerprint": mark})
    else:
        app.say(tr("Key {mark} made. Keep {file} to yourself; give {file}.pub to the administrator.").format(
            mark=mark, file=file))


@key.command("show", cls=Command, help=N_("Print the fingerprint of a public key."))
@click.argument("file", type=click.Path(path_type=Path))
@pass_app
def key_show(app: App, file: Path) -> None:
    """Print the fingerprint."""
    from recordkit.people import fingerprint, load_public_key

    public = file if file.name.endswith(".pub") else file.with_name(file.name + ".pub")
    mark = fingerprint(load_public_key(public))
    if app.json:
        app.print_json({"public": str(public), "fingerprint": mark})
    else:
        click.echo(mark)


@click.group(cls=Group, help=N_("Registered persons."))
def people() -> None:
    """Group."""


@people.command("add", cls=Command,
                help=N_("Register a person. The first one becomes administrator; RECORDKIT_ADMIN_KEY signs for "
                        "later ones."))
@click.argument("person_id", metavar="ID")
@option("--name", required=True, help=N_("Full name."))
@option("--role", "roles", multiple=True, required=True,
        help=N_("clerk, archivist, appraiser, approver, supervisor, administrator or auditor; may be repeated."))
@option("--staff-no", required=True, help=N_("Staff number: two accounts with one number are one person."))
@option("--key", "public", type=click.Path(path_type=Path), metavar="FILE.pub",
        help=N_("Public key of the person. Without one, approvers and supervisors sign on paper only."))
@passphrase_option
@dry_run_option
@pass_app
def people_add(
    app: App, person_id: str, name: str, roles: tuple[str, ...], staff_no: str, public: Path | None,
    passphrase_file: str | None, dry_run: bool,
) -> None:
    """Register one person."""
    from recordkit.people import ROLES, NewPerson, add_person, list_people, load_public_key, plain_staff_no
    from recordkit.retention.duties import require_accepted

    del passphrase_file
    known = {role: tr(role) for role in ROLES}
    key = load_public_key(public) if public is not None else ""
    new = NewPerson(person_id, name, staff_no, tuple(meant(role, known) for role in roles), key)
    with app.acting(rehearse=dry_run) as workspace:
        first = not list_people(workspace.db)
        require_accepted(workspace)  # else roles that must not meet could be given while the setting is loosened
        own = public.with_name(public.name.removesuffix(".pub")) if public is not None else None
        twins = [one.id for one in list_people(workspace.db) if one.id != person_id
                 and (plain_staff_no(one.staff_no) == plain_staff_no(new.staff_no) or (key and one.public_key == key))]
        if twins:
            app.say(msg("{id} has the staff number or key of {others}: for all rules they are one person.",
                        id=new.id, others=listed(twins)))
        person = add_person(workspace, new, app.admin_key(own if first and own != public else None))
    if app.json:
        app.print_json(_plain_person(person))
    else:
        if first:
            app.say(tr("The first person registered is the administrator, too."))
        app.say(tr("{id} is registered: {roles}.").format(id=person.id, roles=tr_list(map(tr, person.roles))))


def _plain_person(person: Person) -> dict[str, object]:
    from recordkit.people import fingerprint

    return {
        "id": person.id,
        "name": person.name,
        "staff_no": person.staff_no,
        "roles": list(person.roles),
        "key": fingerprint(person.public_key) if person.public_key else None,
        "since": person.since,
        "revoked": person.revoked,
    }


@people.command("list", cls=Command, help=N_("List everyone ever registered."))
@pass_app
def people_list(app: App) -> None:
    """Print the register of people."""
    from recordkit.people import list_people

    with app.reading() as workspace:
        items = [_plain_person(one) for one in list_people(workspace.db)]
    if not app.json:
        items = [{**item, "roles": [tr(role) for role in listed_of(item["roles"])]} for item in items]
    columns = [("id", "ID"), ("name", N_("Full name")), ("staff_no", N_("Staff no.")), ("roles", N_("Roles")),
               ("key", N_("Key")), ("since", N_("Since")), ("revoked", N_("Revoked"))]
    app.print_items(items, columns, empty=msg("Nobody is registered; 'recordkit key create FILE' makes a key, "
                                              "'recordkit people add' registers its owner."))


@people.command("revoke", cls=Command, help=N_("End a person's standing; what they signed stays signed."))
@click.argument("person_id", metavar="ID")
@option("--reason", required=True, help=N_("Why."))
@passphrase_option
@dry_run_option
@pass_app
def people_revoke(app: App, person_id: str, reason: str, passphrase_file: str | None, dry_run: bool) -> None:
    """Revoke one person."""
    from recordkit.people import revoke_person

    del passphrase_file
    with app.acting(rehearse=dry_run) as workspace:
        person = revoke_person(workspace, person_id, app.admin_key(None), reason)
    if app.json:
        app.print_json(_plain_person(person))
    else:
        app.say(tr("{id} is revoked.").format(id=person.id))
