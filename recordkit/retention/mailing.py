"""Mails the counts of a review, or its list: one message, one server, no password in the store.

The connection is encrypted and the server's certificate checked (RFC 3207, RFC 8314) before a name or a password is
sent; a server that offers no encryption gets nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from recordkit.errors import InputRefused
from recordkit.messages import Message, listed, msg
from recordkit.settings import MailSection

if TYPE_CHECKING:
    import smtplib

_TYPES = {
    "docx": ("application", "vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": ("application", "json"),
}
_LONGEST_ANSWER = 300  # characters of what a server says that are told


class MailFailed(Exception):
    """The mail did not go out, or not to everybody; ``reason`` says why."""

    def __init__(self, reason: Message) -> None:
        """Keep the reason."""
        super().__init__(str(reason))
        self.reason = reason


def compose(mail: MailSection, subject: str, body: str, files: Sequence[tuple[str, bytes]] = ()) -> EmailMessage:
    """A message to all receivers; ``files`` are names (with their endings) and contents."""
    from email.utils import format_datetime, localtime, make_msgid

    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.receivers)
    # A line break in a header would begin another one.
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=mail.sender.rpartition("@")[2])
    # Mail programs that answer absences shall not answer this (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body, cte="base64")
    for name, content in files:
        main, sub = _TYPES[name.rpartition(".")[2]]
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message


def password_of(mail: MailSection, root: Path, given: str | None) -> str | None:
    """The password: ``given``, or the first line of the file that the settings name; None when neither is there.

    Raises:
        InputRefused: the file cannot be read, lies in the store at ``root``, or others may read it.
    """
    if given:
        return given
    if not mail.password_file:
        return None
    path = Path(mail.password_file).expanduser()
    path = path if path.is_absolute() else root / path
    if path.resolve().is_relative_to(root.resolve()):
        raise InputRefused(
            msg("mail.password_file = {file} lies in the store; a copy of the store would carry the password.",
                file=str(path)),
            msg("Put it elsewhere, readable for you alone."),
        )
    try:
        if os.name != "nt" and path.stat().st_mode & 0o077:
            raise InputRefused(msg("The password file {file} can be read by others.", file=str(path)),
                               msg("Run: chmod 600 {file}", file=str(path)))
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(msg("The password file {file} cannot be read: {error}", file=str(path), error=str(error)),
                           msg("Correct mail.password_file in recordkit.toml.")) from None
    return lines[0] if lines else None


def send(mail: MailSection, message: EmailMessage, password: str | None) -> None:
    """Send a message.

    Raises:
        MailFailed: it did not go out, or not to everybody.
    """
    import smtplib
    import ssl

    if mail.user and not password:
        raise MailFailed(msg("there is no password for {user}: set RECORDKIT_MAIL_PASSWORD, or mail.password_file in "
                             "recordkit.toml", user=mail.user))
    try:
        with _connected(mail) as server:
            if mail.user and password:
                _log_in(server, mail.user, password)
            refused = server.send_message(message, mail.sender, mail.receivers)
    except ssl.SSLCertVerificationError as error:
        raise MailFailed(msg("the certificate of {host} is not trusted ({error}); if it is your own, name it in "
                             "mail.ca_file", host=mail.host, error=error.verify_message)) from None
    except smtplib.SMTPNotSupportedError:
        raise MailFailed(msg("{host} does not offer what is set (encryption by STARTTLS, or a login); nothing was sent",
                             host=mail.host)) from None
    except smtplib.SMTPAuthenticationError as error:
        raise MailFailed(msg("{host} refused user or password: {answer}", host=mail.host,
                             answer=_answer(error.smtp_error))) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise MailFailed(_told_refused(error.recipients)) from None
    except smtplib.SMTPResponseException as error:
        raise MailFailed(msg("{host} answered {code}: {answer}", host=mail.host, code=error.smtp_code,
                             answer=_answer(error.smtp_error))) from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(msg("{host}:{port} cannot be reached: {error}", host=mail.host, port=mail.port,
                             error=_answer(str(error) or type(error).__name__))) from None
    if refused:
        raise MailFailed(_told_refused(refused))


def _connected(mail: MailSection) -> smtplib.SMTP:
    import smtplib
    import ssl

    if mail.security == "none":
        return smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_seconds)
    context = ssl.create_default_context(cafile=mail.ca_file or None)
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout_seconds, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_seconds)
    try:
        server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """Log in; smtplib itself knows passwords in ASCII only, where RFC 4616 has UTF-8."""
    import base64
    import smtplib

    if (user + password).isascii():
        server.login(user, password)
        return
    server.ehlo_or_helo_if_needed()
    if "PLAIN" not in server.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError
    response = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, answer = server.docmd("AUTH", f"PLAIN {response}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, answer)


def _told_refused(refused: object) -> Message:
    told = listed(f"{address} ({code} {_answer(answer)})" for address, (code, answer) in
                  (refused.items() if isinstance(refused, dict) else ()))
    return msg("the server took it not for: {addresses}", addresses=told)


def _answer(text: object) -> str:
    """What a server says, without anything that a terminal would obey."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return "".join(char if char.isprintable() else " " for char in plain)[:_LONGEST_ANSWER]
