# Sourced by ./knarr: installs Debian packages for the programs in `missing`. Removes nothing.
packages=
for program in $missing; do
  case $program in
    nft) package=nftables ;;
    ip) package=iproute2 ;;
    busybox) package=busybox-static ;;
    nsenter) package=util-linux ;;
    cni-plugins) package=containernetworking-plugins ;;
    *) package=$program ;;
  esac
  packages="$packages $package"
done
if ! command -v apt-get >/dev/null 2>&1; then
  echo "knarr: these programs are missing: $missing" >&2
  echo "knarr: install them with this system's package manager (their Debian packages are:$packages)" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "knarr: these programs are missing: $missing; as root: apt-get install$packages" >&2
  exit 1
fi
echo "knarr: installing$packages with apt-get, to run containers and their network (missing: $missing)" >&2
apt_install() {
  # RUNLEVEL=1: packages don't start their services; knarr runs a containerd of its own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove $packages >/dev/null
}
if ! apt_install 2>/dev/null; then
  apt-get update -qq >&2
  apt_install
fi
