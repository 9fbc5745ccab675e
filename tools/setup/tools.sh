# Sourced by ./knarr: unpacks kubectl and etcd, which tests compare with, from Debian's newer suites into .cache/tools.
# Nothing is installed on the system. Package, version, SHA-256 and path in the archive stand in tools.list.
if ! command -v dpkg-deb >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
  echo 'knarr: tests need kubectl 1.36 and etcd 3.5; put them into .cache/tools (they are fetched only on Debian)' >&2
  exit 1
fi
tools="$root/.cache/tools"
mkdir -p "$tools"
arch=$(dpkg --print-architecture)
# The mirror that this machine's own package sources name.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v -e security -e nodesource -e postgres | grep '/debian/*$' | head -n 1 || true)
if [ -z "$mirror" ]; then
  echo 'knarr: found no Debian mirror among the package sources of this machine; put kubectl 1.36 and etcd 3.5 into .cache/tools' >&2
  exit 1
fi
fetch_url() {
  if command -v curl >/dev/null 2>&1; then curl -fsSL -o "$2" "$1"; elif command -v wget >/dev/null 2>&1; then wget -qO "$2" "$1"; else "$node" -e 'require("http").get(process.argv[1],(r)=>{if(r.statusCode!==200)process.exit(1);r.pipe(require("fs").createWriteStream(process.argv[2]))})' "$1" "$2"; fi
}
while read -r program package_arch sha path inside; do
  case $program in '#'* | '') continue ;; esac
  [ "$package_arch" = "$arch" ] || continue
  [ -x "$tools/$program" ] && continue
  echo "knarr: unpacking $program for the tests from ${path##*/}" >&2
  deb="$tools/$program.deb"
  if ! fetch_url "${mirror%/}/$path" "$deb"; then
    echo "knarr: $path is no longer on this machine's mirror; tools/setup/tools.list needs the newer version and its SHA-256" >&2
    exit 1
  fi
  if ! echo "$sha  $deb" | sha256sum --check --quiet >/dev/null 2>&1; then
    rm -f "$deb"
    echo "knarr: $path does not have the pinned SHA-256; not used" >&2
    exit 1
  fi
  rm -rf "$tools/unpacked"
  dpkg-deb -x "$deb" "$tools/unpacked"
  mv "$tools/unpacked/$inside" "$tools/$program"
  rm -rf "$deb" "$tools/unpacked"
done <"$root/tools/setup/tools.list"
for program in kubectl etcd; do
  if [ ! -x "$tools/$program" ]; then
    echo "knarr: tests need $program; for $arch put it into .cache/tools" >&2
    exit 1
  fi
done
