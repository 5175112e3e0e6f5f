# For tests of servers: start NAME OPTIONS... runs one in the current folder, with its data in the folder NAME and its output
# in NAME.txt, and sets base, its address, and pid. All end with the test. Needs fail MESSAGE from the script. Models that
# somebody has on this machine don't answer: those of the folder that `fetched` names do, or else the shipped one.
fetched=$PWD/none
servers=()
trap 'kill -KILL "${servers[@]}" 2>/dev/null || true' EXIT
start() {
  local name=$1
  shift
  [[ " $* " == *" --listen "* ]] || set -- --listen 127.0.0.1:0 "$@"
  : >"$name.txt"  # the loop below may look before the server has begun
  set -m          # a job of its own takes Ctrl-C, which the script's other jobs ignore
  XDG_DATA_HOME=$fetched "$MELETE" serve --data "$name" "$@" >"$name.txt" 2>&1 &
  set +m
  pid=$!
  servers+=("$pid")
  base=
  for _ in $(seq 600); do
    base=$(sed -n 's/^melete serves at \(http[^ ]*\) .*/\1/p' "$name.txt")
    [[ -z $base ]] || return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  fail "$name: no address was printed"
}
