# Sourced by ./knarr: installs the npm packages of the lock file. `scope` is `all` or `run`.
if ! command -v npm >/dev/null 2>&1; then
  echo 'knarr: needs npm (with any Node from 18 on) to install its packages. On Debian: apt-get install npm' >&2
  exit 1
fi
case $scope in
  all) omit= why='packages for running and for development' ;;
  *) omit=--omit=dev why='packages that it runs with, its own Node 24 among them' ;;
esac
echo "knarr: installing npm packages ($why)" >&2
# --ignore-scripts: nothing is fetched or run by an install script; the binaries come inside the packages.
(cd "$root" && npm ci $omit --include=optional --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
echo "$scope" >"$root/node_modules/.knarr-stamp"
