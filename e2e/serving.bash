# For tests of a server: start OPTIONS... runs it in the current folder and sets pid and base, its address; the test's end
# kills it. Needs fail MESSAGE from the script; the server's output is in out.txt.
start() {
  : >out.txt  # the loop below may look before the server has begun
  "$MELETE" serve --data data "$@" >out.txt 2>&1 &
  pid=$!
  base=
  for _ in $(seq 300); do
    base=$(sed -n 's/^melete serves at \(http[^ ]*\) .*/\1/p' out.txt)
    [[ -z $base ]] || return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  fail "no address was printed"
}
trap 'kill -KILL $pid 2>/dev/null || true' EXIT
