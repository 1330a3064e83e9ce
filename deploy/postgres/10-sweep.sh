#!/usr/bin/env bash
# Run once by the image of Postgres, when the database is made: the coordinator's role and its database. The role is no
# superuser, and the superuser loses its password: it is reached by the socket in the container alone.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres --dbname postgres -v password="$(cat /secrets/postgres/password)" <<'SQL'
CREATE ROLE sweep LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE sweep OWNER sweep;
ALTER ROLE postgres PASSWORD NULL;
SQL
