"""Plans and reports as one HTML file each: no network, a strict content security policy, and charts as SVG."""
