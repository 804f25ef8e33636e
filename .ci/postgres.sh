#!/bin/sh
# Starts a PostgreSQL for the tests and prints its URL on stdout:
#     NEXTSHOT_TEST_POSTGRES=$(.ci/postgres.sh start DIRECTORY) && export NEXTSHOT_TEST_POSTGRES
#     .ci/postgres.sh stop DIRECTORY
# Where it cannot be had, it says why on stderr, prints nothing and ends with 1: the tests that need it are skipped then.
# DIRECTORY is made if need be, holds the data, and should be a fresh one.

set -u
PORT="${NEXTSHOT_CI_POSTGRES_PORT:-54331}"

without() {
    echo "no PostgreSQL for the tests: $1" >&2
    exit 1
}

find_binaries() {
    for directory in "$(dirname "$(command -v pg_ctl 2>/dev/null || echo /nowhere/pg_ctl)")" /usr/lib/postgresql/*/bin; do
        if [ -x "$directory/initdb" ] && [ -x "$directory/pg_ctl" ]; then
            BINARIES="$directory"
        fi
    done
}

install() {
    [ "$(id -u)" = 0 ] || without "it is not installed, and only root could install it"
    command -v apt-get >/dev/null 2>&1 || without "it is not installed, and there is no apt-get to install it with"
    echo "installing PostgreSQL from the distribution" >&2
    # The distribution would start a server of its own; ours is enough.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    { timeout 120 apt-get -q update && DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -q -y --no-install-recommends \
        install postgresql; } >&2 || without "apt-get could not install it"
}

# initdb and the server refuse to run as root.
as_owner() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && su postgres -s /bin/sh -c "$1")
    else
        sh -c "$1"
    fi
}

BINARIES=""
find_binaries
case "${1:-}" in
start)
    DIRECTORY="${2:?usage: postgres.sh start DIRECTORY}"
    if [ -z "$BINARIES" ]; then
        install
        find_binaries
        [ -n "$BINARIES" ] || without "its programs are not where they should be after the installation"
    fi
    mkdir -p "$DIRECTORY" || without "$DIRECTORY cannot be made"
    DIRECTORY="$(cd "$DIRECTORY" && pwd)"
    PASSWORD="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
    (umask 077 && printf %s "$PASSWORD" >"$DIRECTORY/password")
    [ "$(id -u)" != 0 ] || chown -R postgres "$DIRECTORY" || without "there is no user postgres to run it"
    as_owner "'$BINARIES/initdb' -D '$DIRECTORY/data' -U postgres -A scram-sha-256 --pwfile='$DIRECTORY/password' \
        -E UTF8 --locale=C" >"$DIRECTORY/initdb.log" 2>&1 ||
        without "initdb failed: $(tail -n 1 "$DIRECTORY/initdb.log")"
    # fsync=off: what a crash of the machine would lose is test data.
    as_owner "'$BINARIES/pg_ctl' -D '$DIRECTORY/data' -l '$DIRECTORY/server.log' -w -t 30 start \
        -o '-p $PORT -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories=$DIRECTORY'" >&2 ||
        without "it did not start: $(tail -n 1 "$DIRECTORY/server.log" 2>/dev/null)"
    echo "postgresql://postgres:$PASSWORD@127.0.0.1:$PORT/postgres"
    ;;
stop)
    DIRECTORY="${2:?usage: postgres.sh stop DIRECTORY}"
    [ -n "$BINARIES" ] || exit 0
    as_owner "'$BINARIES/pg_ctl' -D '$DIRECTORY/data' -m immediate stop" >&2
    exit 0
    ;;
*)
    echo "usage: postgres.sh start|stop DIRECTORY" >&2
    exit 2
    ;;
esac
