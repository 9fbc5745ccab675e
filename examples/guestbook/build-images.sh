#!/bin/sh
# Makes the guestbook's images as archives in a directory: a static busybox and a script each, no registry, no Docker.
set -eu
out=${1:?"usage: build-images.sh DIRECTORY"}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
busybox=$(command -v busybox) || { echo 'build-images.sh needs busybox (Debian: busybox-static)' >&2; exit 1; }
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
mkdir -p "$out"

# image NAME SCRIPT VERSION: busybox's httpd runs the script for every request.
image() {
  work=$(mktemp -d)
  mkdir -p "$work/layer/bin" "$work/layer/www/cgi-bin" "$work/layer/data" "$work/layer/tmp" "$work/layer/etc"
  chmod 1777 "$work/layer/tmp"
  cp "$busybox" "$work/layer/bin/busybox"
  for applet in $("$busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "$work/layer/bin/$applet"; done
  cp "$2" "$work/layer/www/cgi-bin/index.cgi"
  chmod 755 "$work/layer/www/cgi-bin/index.cgi"
  echo "$3" >"$work/layer/www/version"
  tar -C "$work/layer" --owner=0 --group=0 --mtime=@0 -cf "$work/layer.tar" .
  layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
  cat >"$work/config.json" <<JSON
{"architecture":"$arch","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["httpd","-f","-p","8080","-h","/www"],"ExposedPorts":{"8080/tcp":{}}},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]}}
JSON
  echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"docker.io/$1:$3\"],\"Layers\":[\"layer.tar\"]}]" >"$work/manifest.json"
  archive="$out/$(echo "$1" | tr / -)-$3.tar"
  tar -C "$work" -cf "$archive" manifest.json config.json layer.tar
  rm -rf "$work"
  echo "$archive"
}

image guestbook/web "$here/web/index.cgi" v1
image guestbook/web "$here/web/index.cgi" v2
image guestbook/store "$here/store/index.cgi" v1
