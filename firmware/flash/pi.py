"""`firstbell-flash pi`: a card for a Raspberry Pi, from what Imager wrote to a terminal that installs itself.

What a person may have got wrong is looked at before anything is touched, and before a token is used up.
"""

import os
import secrets
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from firstbell_flash import bundle, homes
from firstbell_flash.boot_partition import BootPartition, Folder, open_fat
from firstbell_flash.card import Plan, plan, read_back, read_terminal, write
from firstbell_flash.dialogue import bar, confirm, step
from firstbell_flash.disks import Disk, check_disk, device_number, disk_of
from firstbell_flash.enrol import is_home
from firstbell_flash.first_boot import Machine, is_ssh_key
from firstbell_flash.problems import CardError, FileError, TypedWrongly, Unreadable
from firstbell_flash.wifi import load_networks
from firstbell_linux.named_file import read_named
from firstbell_linux.problems import Problem
from firstbell_linux.shell import PATH, Run, command

from terminal.settings import Home

SSH_KEY_BYTES_MAX = 16_384
WAIT_S_MAX = 30 * 60
"""A Pi Zero 2 installs for some minutes; then somebody has to press."""
_UNKNOWN_YET = "terminal"


def build(run: Run) -> click.Command:
    file: dict[str, Any] = {"type": PATH, "metavar": "FILE"}
    return command(
        run,
        "pi",
        pi,
        click.Argument(["card"], type=PATH),
        homes.from_option(),
        *homes.enrol_options(),
        click.Option(["--bundle", "packed"], **file),
        click.Option(["--wifi"], **file),
        click.Option(["--country"], default="", metavar="CN"),
        click.Option(["--hostname"], default=""),
        click.Option(["--ssh-key"], **file),
        click.Option(["--timezone"], default="", metavar="Asia/Shanghai"),
        click.Option(["--locale"], default="", metavar="zh_CN.UTF-8"),
        click.Option(["--yes"], default="", metavar="SERIAL"),
        click.Option(["--wait"], is_flag=True),
        click.Option(["--dry-run"], is_flag=True),
    )


def pi(
    run: Run,
    card: Path,
    folder: Path,
    token: bool,
    request: Path | None,
    answer: Path | None,
    packed: Path | None,
    wifi: Path | None,
    country: str,
    hostname: str,
    ssh_key: Path | None,
    timezone: str,
    locale: str,
    yes: str,
    wait: bool,
    dry_run: bool,
) -> None:
    homes.check_way(run, "pi", folder, token, request, answer)
    if request is not None:
        homes.ask_hub(run, "pi", folder, request, dry_run)
        return
    if packed is None:
        raise click.UsageError(run.say("pi.no_bundle"))
    if wait and not token:
        raise click.UsageError(run.say("pi.wait_needs_token"))
    machine = Machine(
        hostname=hostname or _UNKNOWN_YET,
        networks=() if wifi is None else tuple(load_networks(wifi)),
        country=country,
        ssh_key="" if ssh_key is None else _read_ssh_key(ssh_key),
        timezone=timezone,
        locale=locale,
    )
    secret = homes.read_token(run) if token and not dry_run else ""
    parts, digest = bundle.read(packed)
    instance = f"firstbell-{secrets.token_hex(8)}"
    run.note(run.say("pi.bundle", bundle=packed, sha256=digest))
    boot, disk = open_card(card, to_write=True)
    if yes and disk is None:
        raise click.UsageError(run.say("pi.yes_alone", card=card))
    to_come = (token or answer is not None) and not is_home(folder)
    there = {} if to_come else read_terminal(folder)
    planned = plan(boot, machine, there, parts, instance)
    if dry_run:
        _tell_plan(run, boot, disk, planned, digest)
        return
    _ask(run, disk, planned, yes)
    homes.fill(run, "pi", folder, secret, answer)
    settings = homes.settings_for(Home(folder), "pi")
    machine = replace(machine, hostname=hostname or settings.terminal)
    planned = plan(boot, machine, read_terminal(folder), parts, instance)
    with bar(run, "write_card", sum(map(len, planned.write.values()))) as wrote:
        write(boot, planned, wrote)
    with bar(run, "read_card", sum(map(len, planned.files.values()))) as read:
        read_back(boot, planned, read)
    if wait:
        step(run, "start_pi", name=settings.name)
        homes.until_hub_says(settings, secret, WAIT_S_MAX, "pi_not_armed")
    run.tell(
        {
            "card": str(card),
            "terminal": settings.terminal,
            "name": settings.name,
            "hostname": machine.hostname,
            "format": planned.format,
            "bundle_sha256": digest,
            "armed": wait,
        },
        run.say("pi.armed" if wait else "pi.written", card=card, name=settings.name),
    )


def open_card(where: Path, *, to_write: bool) -> tuple[BootPartition, Disk | None]:
    """An image, a device, or a folder where the boot partition is mounted; and the disk behind it, if there is one.

    Raises Unreadable; CardError: no card; and `to_write`, in use, locked.
    """
    try:
        mode = where.stat().st_mode
        is_device, is_folder = stat.S_ISBLK(mode), stat.S_ISDIR(mode)
        disk = disk_of(device_number(where)) if is_device or where.is_mount() else None
    except OSError as error:
        raise Unreadable("card_unreadable", where, error) from error
    if not (is_device or is_folder or stat.S_ISREG(mode)):
        raise CardError(Problem("no_boot_partition", str(where)))
    if disk is not None and to_write:
        check_disk(disk, where, folder=is_folder)
    if is_device and (disk is None or where.resolve().name != disk.name):
        raise CardError(Problem("no_whole_disk", str(where)))
    if to_write and not (os.access(where, os.W_OK) and mode & 0o222):
        raise CardError(Problem("card_read_only", str(where)))
    return Folder(where) if is_folder else open_fat(where), disk


def _read_ssh_key(path: Path) -> str:
    """Raises Unreadable; FileError, which does not quote it: a private key may have been named."""
    try:
        text = read_named(path, SSH_KEY_BYTES_MAX).decode("ascii", "replace").strip()
    except OSError as error:
        raise Unreadable("ssh_key_unreadable", path, error) from error
    if not is_ssh_key(text):
        raise FileError(Problem("ssh_key_not_one", str(path)))
    return text


def _ask(run: Run, disk: Disk | None, planned: Plan, yes: str) -> None:
    """Shows which card it is, and asks; not for an image. Raises TypedWrongly, Declined."""
    if disk is not None:
        for line in _described(run, disk):
            run.note(line)
        if yes and yes != disk.serial:
            raise TypedWrongly(Problem("other_serial", yes, {"found": disk.serial or run.say("pi.no_serial")}))
    if planned.replaces:
        run.note(run.say("pi.replaces", files=run.words.listed(planned.replaces)))
    if disk is not None and not yes:
        problem = Problem("card_not_confirmed", disk.name, {"serial": disk.serial or run.say("pi.no_serial")})
        confirm(run, "pi.may_write", problem, name=disk.name)


def _described(run: Run, disk: Disk) -> list[str]:
    sizes = [f"{name} {_gigabytes(size)}" for name, size in disk.partitions]
    return [
        run.say("pi.disk", name=disk.name, model=disk.model, size=_gigabytes(disk.size_bytes)),
        run.say("pi.serial", serial=disk.serial or run.say("pi.no_serial")),
        run.say("pi.contents", partitions=run.words.listed(sizes) or "–"),
    ]


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"


def _tell_plan(run: Run, boot: BootPartition, disk: Disk | None, planned: Plan, digest: str) -> None:
    size = sum(map(len, planned.write.values()))
    data = {
        "would_write": str(boot.where),
        "format": planned.format,
        "bundle_sha256": digest,
        "files": list(planned.write),
        "bytes": size,
        "replaces": list(planned.replaces),
        "removes": list(planned.remove),
        "disk": disk and {"name": disk.name, "model": disk.model, "serial": disk.serial, "bytes": disk.size_bytes},
    }
    lines = [] if disk is None else _described(run, disk)
    if planned.replaces:
        lines.append(run.say("pi.replaces", files=run.words.listed(planned.replaces)))
    said = run.say("pi.plan", card=boot.where, files=len(planned.write), mb=f"{size / 1e6:.1f}", format=planned.format)
    run.tell(data, *lines, said)
