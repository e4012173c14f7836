// Under every picture that a link can point at: copy it as an image, its citation, a link to it.
(() => {
const START = "see-";
const page = document.querySelector("h1")?.textContent.trim() ?? "", foot = (document.querySelector("footer p")?.textContent ?? "").split(" This page loads")[0].trim();
const titleOf = svg => svg.querySelector("title").textContent;

// Addresses: #see-NAME, and what else the page keeps in its address, as the state of its sliders.
const linkTo = svg => {
  const state = location.hash.slice(1).split("&").filter(part => part.includes("=")).join("&");
  return location.href.split("#")[0] + "#" + svg.id + (state && "&" + state);
};
const citation = svg => `“${titleOf(svg)}”, in “${page}”. ${foot} ${linkTo(svg)}`;

// The picture as it is seen, with the colors of the theme and its title.
async function image(svg) {
  const { width, height } = svg.viewBox.baseVal, scale = Math.max(1, 1600 / width), head = 30;
  const style = document.querySelector("style").textContent.replaceAll("]]>", "");
  const size = `.chart{width:${width}px;height:${height}px;min-width:0}`;
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const text = new XMLSerializer().serializeToString(copy).replace(">", `><style><![CDATA[${style}${size}]]></style>`);
  const drawn = new Image();
  drawn.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  await drawn.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: width * scale, height: (height + head + 22) * scale });
  const pen = canvas.getContext("2d");
  const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  pen.scale(scale, scale);
  pen.fillStyle = color("--paper");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = color("--ink");
  pen.font = "600 15px system-ui,sans-serif";
  pen.fillText(titleOf(svg), 4, 20, width - 8);
  pen.fillStyle = color("--quiet");
  pen.font = "11px system-ui,sans-serif";
  pen.fillText(`${page}. ${foot.split(";")[0]}.`, 4, height + head + 16, width - 8);
  pen.drawImage(drawn, 0, head, width, height);
  return new Promise(done => canvas.toBlob(done, "image/png"));
}
async function give(svg) {
  const picture = image(svg);
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
    return "Copied";
  } catch {
    // Where pages may not write images there, it is a file.
    const link = document.createElement("a");
    link.download = svg.id.slice(START.length) + ".png";
    const reader = new FileReader();
    reader.readAsDataURL(await picture);
    await new Promise(done => { reader.onload = done; });
    link.href = reader.result;
    link.click();
    return "Saved";
  }
}
const copy = async text => {
  await navigator.clipboard.writeText(text);
  return "Copied";
};
const ACTS = [["Copy image", give], ["Copy citation", svg => copy(citation(svg))], ["Copy link", svg => copy(linkTo(svg))]];
for (const svg of document.querySelectorAll(`svg[id^="${START}"]`)) {
  const row = document.createElement("p");
  row.className = "cite";
  for (const [name, act] of ACTS) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name, ariaLabel: `${name}: ${titleOf(svg)}` });
    button.addEventListener("click", async () => {
      button.textContent = await act(svg).catch(() => "Not allowed here");
      setTimeout(() => { button.textContent = name; }, 2000);
    });
    row.append(button);
  }
  // There is no room under tiles.
  if (!svg.closest(".tiles")) svg.after(row);
}
})();
