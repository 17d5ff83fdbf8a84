#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sqlite3 on a file: transactions, two connections, locking, WAL with its shared
# memory, vacuum, integrity.

set -eu
sqlite3 data.db << 'EOF'
create table t (id integer primary key, name text, value real);
create index by_name on t (name);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
  insert into t select i, 'name-' || (i * 7919 % 20000), i * 0.25 from n;
select count(*), sum(value), max(name) from t;
begin;
delete from t where id % 2 = 0;
rollback;
select count(*) from t;
begin;
update t set value = value + 1 where id <= 100;
commit;
select sum(value) from t where id <= 100;
pragma integrity_check;
pragma journal_mode = wal;
insert into t (name, value) values ('wal', 1);
select name from t order by id desc limit 1;
EOF
for i in 1 2 3; do
  (for k in $(seq 1 10); do
    sqlite3 -cmd '.timeout 20000' data.db "insert into t (name, value) values ('p$i-$k', $k);"
  done) &
done
wait
sqlite3 data.db "select count(*) from t where name like 'p%'; pragma wal_checkpoint(truncate);"
sqlite3 data.db "pragma journal_mode = delete; vacuum; pragma integrity_check; select count(*) from t;"
sqlite3 data.db .dump | sqlite3 copy.db
sqlite3 copy.db "select count(*), sum(value) from t; pragma integrity_check;"
ls
