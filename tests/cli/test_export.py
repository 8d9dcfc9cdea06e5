#!/usr/bin/env python3
"""A pseudonymised copy of every sample: a replay counts the same on it, to the byte; nothing of what it hides is anywhere in
its bytes; networks stay networks; the same key gives the same, another key another."""
import concurrent.futures
import ipaddress
import itertools
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
program, plain = os.environ['MXREPLAY'], os.environ.get('MXREPLAY_PLAIN', os.environ['MXREPLAY'])
labs = root + '/sample-logs/labs/'
SAMPLES = {  # what is collected, and what was in force
    'postfix-smtpd': ([labs + 'postfix-smtpd/mail.log'], root + '/tests/replay/postfix-smtpd.yaml'),
    'postfix-postscreen': ([labs + 'postfix-postscreen/mail.log'], None),
    'postfix-greylist': ([labs + 'postfix-greylist/mail.log'], root + '/tests/replay/postfix-greylist.yaml'),
    'exim-default': ([labs + 'exim-default/mainlog.gz', labs + 'exim-default/rejectlog.gz'], None),
    'sendmail': ([labs + 'sendmail-loglevel14/mail.log.gz'], None),
    'opensmtpd': ([labs + 'opensmtpd-filters/mail.log.gz'], None),
    'qmail': ([labs + 'qmail-rblsmtpd/smtpd.current.gz', labs + 'qmail-rblsmtpd/send.current.gz'], None),
    'talk': ([root + '/sample-logs/talk-2009/mail.log.gz'], None),
}
KEPT = {'example.org', 'example.com', 'example.net', 'postmaster', 'localhost', '127.0.0.1', '::1'}
# Top-level domains, which the samples have as a sender's host too, and a word that begins with a sender's name.
USUAL = {'bar', 'news', 'permerr'}
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print(what)


def mxreplay(*arguments, of=None, status=0):
    done = subprocess.run([of or program, *arguments], capture_output=True)
    if done.returncode != status:
        sys.exit(f'mxreplay {" ".join(arguments)}: exit status {done.returncode}: {done.stderr.decode()[:3000]}')
    return done


def rows(database, sql):
    connection = sqlite3.connect(database)
    connection.text_factory = bytes
    found = connection.execute(sql).fetchall()
    connection.close()
    return found


def texts(database, sql):
    return {value.decode('utf-8', 'replace') for row in rows(database, sql) for value in row if isinstance(value, bytes)}


def replays(database, policies):
    """What each policy counts, by each unit."""
    wanted = [(policy, unit) for policy in policies for unit in ('session', 'recipient', 'delivery')]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(lambda each: mxreplay('replay', '-q', '-d', database, '-p', each[0], '--unit', each[1],
                                              '--format', 'csv', of=plain).stdout, wanted)
        return dict(zip(wanted, done))


# ---- What must not be in the copy.

def forms(address):
    """An address as it may be written in a host name or a text."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6:
        nibbles = ip.exploded.replace(':', '')
        return {address, ip.exploded, '.'.join(reversed(nibbles)), nibbles, ip.packed}
    octets = address.split('.')
    found = {joint.join(order) for joint in '.-_' for order in (octets, octets[::-1])}
    return found | {'-'.join('%03d' % int(o) for o in octets), '%02x%02x%02x%02x' % tuple(int(o) for o in octets)}


def secrets(database, keep_domains):
    """What an attacker would look for: (text, whether only a whole word counts)."""
    found = set()
    for address in texts(database, 'select distinct client_ip from v_session union select server_ip from v_session'):
        if address not in KEPT:
            found |= {(form, False) for form in forms(address)}
    hosts = texts(database, 'select distinct client_name from v_session union select helo from v_session union '
                            'select server from v_session')
    addresses = texts(database, 'select mail_from from v_transaction union select address from v_recipient union '
                                'select auth_user from v_session')
    for address in addresses:
        local, at, domain = address.rpartition('@')
        hosts.add(domain if at else '')
        found.add((local if at else address, True))
        if at and domain.lower() not in KEPT and local.lower() not in KEPT:
            found.add((address, False))
    for host in hosts:
        labels = host.strip('.').lower().split('.')
        if host.lower() in KEPT or not host:
            continue
        if not keep_domains or len(labels) > 2:
            found.add((host, True))
        own = labels[:-2] if keep_domains or '.'.join(labels[-2:]) in KEPT else labels[:-1] or labels
        found |= {(label, True) for label in own}
    found |= {(text, False) for text in texts(database, 'select queue_id from v_transaction union select message_id from v_transaction')}
    return {(text, whole) for text, whole in found
            if isinstance(text, bytes) or (len(text) > 2 and text.lower() not in KEPT | USUAL and not text.isdigit())}


def all_texts(database):
    """Each text of each table, apart."""
    tables = [name.decode() for (name,) in rows(database, "select name from sqlite_schema where type = 'table'")]
    return {value.decode('utf-8', 'replace') for table in tables for row in rows(database, f'select * from "{table}"')
            for value in row if isinstance(value, bytes)}


def vocabulary():
    source = open(root + '/schemas/pseudonym_session.c').read()
    block = source[source.index('words[] = {'):]
    found = re.findall(r'"([^"]+)"', block[:block.index('};')])
    check(found == sorted(found), 'the usual words are not in order')
    return set(found)


def look_for_leaks(name, database, copy, keep_domains, usual):
    raw = open(copy, 'rb').read().lower()
    schema = {value.decode().lower() for row in rows(copy, 'select sql from sqlite_schema') for value in row if value}
    zones = texts(database, "select distinct subject from v_evidence where kind = 'dnsbl'")
    allowed = usual | {word for text in schema | zones | all_fixed(database) for word in re.split(r'[^a-z0-9_]+', text.lower())}
    words = {word for text in all_texts(copy) for word in re.findall(r'[\w.@+=-]+', text.lower())}
    words |= {part for word in words for part in re.split(r'[.@+=_-]', word)} | {part for word in words for part in word.split('.')}
    for text, whole in sorted(secrets(database, keep_domains), key=str):
        if isinstance(text, bytes):
            check(text not in raw, f'{name}: the address {text.hex()} is in the copy')
            continue
        text = text.lower()
        if text in allowed:
            continue
        if not whole or len(text) >= 7:
            check(text.encode() not in raw, f'{name}: "{text}" is in the bytes of the copy')
        check(text not in words, f'{name}: "{text}" is a word of the copy')


def all_fixed(database):
    """The program's own words, which the copy must have."""
    return texts(database, 'select name from measure union select name from kind union select kind from input union '
                           'select dialects from input') | texts(database, "select subject from v_evidence where kind in ('helo', 'warning', 'rate')") \
        | texts(database, "select subject from v_evidence where kind = 'sender_domain'") | {'input', 'test', 'service', 'postfix', 'smtpd', 'submission', 'recorded'}


# ---- Networks.

def common_bits(a, b):
    a, b = ipaddress.ip_address(a), ipaddress.ip_address(b)
    return a.max_prefixlen - (int(a) ^ int(b)).bit_length()


def check_prefixes(name, database, copy):
    pairs = rows(database, 'select id, client_ip from v_session where client_ip is not null order by id')
    named = dict(rows(copy, 'select id, client_ip from v_session'))
    seen = {}
    for number, address in pairs:
        other = named[number].decode()
        check(seen.setdefault(address.decode(), other) == other, f'{name}: {address} has two pseudonyms')
    check(len(set(seen.values())) == len(seen), f'{name}: two addresses have one pseudonym')
    for a, b in itertools.islice(itertools.combinations(sorted(seen), 2), 20000):
        if (':' in a) == (':' in b):
            check(common_bits(a, b) == common_bits(seen[a], seen[b]), f'{name}: {a} and {b}: {seen[a]} and {seen[b]}')
    moved = sum(a != b for a, b in seen.items())
    check(moved >= len(seen) - 2, f'{name}: addresses stay: {len(seen) - moved}')


def make_key(folder, name, byte):
    path = f'{folder}/{name}'
    with open(path, 'wb') as file:
        file.write(bytes((byte + 7 * i * i) % 256 for i in range(32)))
    os.chmod(path, 0o600)
    return path


def main():
    usual = vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        key, other_key = make_key(folder, 'key', 1), make_key(folder, 'other', 2)
        for name, (inputs, recorded) in SAMPLES.items():
            database, copy = f'{folder}/{name}.db', f'{folder}/{name}-copy.db'
            mxreplay('collect', '-q', '-d', database, *(['--recorded', recorded] if recorded else []), *inputs, of=plain)
            shipped = ['talk-2009', 'strict', 'postfix-typical', 'recorded']
            expected = replays(database, shipped)
            for domains in ('hash', 'keep'):
                mxreplay('export', '-q', '-d', database, '--pseudonymise', key, '--domains', domains, '--force', '-o', copy,
                         of=program if domains == 'hash' else plain)
                mxreplay('check', '-q', '-d', copy, of=plain)
                for which, csv in replays(copy, shipped if domains == 'hash' else ['recorded', 'strict']).items():
                    check(csv == expected[which], f'{name}, {domains}: replay {which} differs:\n{expected[which].decode()}{csv.decode()}')
                look_for_leaks(f'{name}, {domains}', database, copy, domains == 'keep', usual)
            check_prefixes(name, database, copy)
            again, other = f'{folder}/again.db', f'{folder}/other.db'
            for path, by in ((copy, key), (again, key), (other, other_key)):
                mxreplay('export', '-q', '-d', database, '--pseudonymise', by, '--force', '-o', path, of=plain)
            for view in ('v_session', 'v_transaction', 'v_recipient', 'v_evidence'):
                check(rows(copy, f'select * from {view}') == rows(again, f'select * from {view}'), f'{name}: {view}: not the same again')
            for column in ('client_ip', 'client_name', 'helo'):
                one, two = (texts(path, f'select {column} from v_session') - KEPT - {''} for path in (copy, other))
                check(not one & two, f'{name}: {column}: the same under another key: {list(one & two)[:3]}')
            print(f'ok: {name}: {len(expected)} replays, twice')
    sys.exit(bool(failures))


main()
