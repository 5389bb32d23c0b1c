#!/usr/bin/env bash
# Builds whybench_VERSION_ARCH.deb in the folder given (default: the current one).
# The binary is the one that the tests ran, stripped, without the test-tool feature.
#   usage: packaging/build-deb.sh [OUT_DIR]      BINARY=path skips the build
set -euo pipefail
out=$(realpath "${1:-.}")
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
arch=$(dpkg --print-architecture)
if [ -z "${BINARY:-}" ]; then
  cargo build --no-default-features
  BINARY="${CARGO_TARGET_DIR:-target}/debug/whybench"
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
install -Dm755 "$BINARY" "$root/usr/bin/whybench"
strip --strip-unneeded "$root/usr/bin/whybench"
install -Dm644 packaging/whybench.desktop "$root/usr/share/applications/whybench.desktop"
install -Dm644 packaging/whybench-mime.xml "$root/usr/share/mime/packages/whybench.xml"
install -Dm644 assets/icon/whybench.svg "$root/usr/share/icons/hicolor/scalable/apps/whybench.svg"
install -Dm644 assets/icon/whybench.png "$root/usr/share/icons/hicolor/256x256/apps/whybench.png"
for file in sample_data/*; do install -Dm644 "$file" "$root/usr/share/whybench/$file"; done
install -Dm644 LICENSE-MIT "$root/usr/share/doc/whybench/copyright"
install -d "$root/DEBIAN"
cat > "$root/DEBIAN/control" <<CONTROL
Package: whybench
Version: $version
Architecture: $arch
Maintainer: The Whybench contributors <whybench@example.org>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: libc6, libgcc-s1, libfontconfig1, libxkbcommon-x11-0, libxcursor1, libxi6, libx11-xcb1, libgl1 | libegl1
Recommends: mesa-vulkan-drivers, xdg-desktop-portal, fonts-noto-cjk
Section: science
Priority: optional
Description: workbench that shows why people act and what a strategy would change
 Opens behaviour data, trains models, explains predictions exactly, tries
 strategies and writes a report that can be re-checked. Works offline.
CONTROL
dpkg-deb --root-owner-group --build "$root" "$out/whybench_${version}_${arch}.deb"
