/* What the page can do beyond being read: tables are sorted and filtered, a measure that is clicked is lit up
 * everywhere, bars tell their numbers. Without this script it is complete. */
(function () {
"use strict";

/* ---- Tables. */

/* "~3,424" and "≥ 12" are numbers, "2026-10-01" is none. */
function number(text) {
    var digits = text.replace(/[~?≥≈+,\s%]/g, "");
    return /^-?[\d.]+$/.test(digits) ? parseFloat(digits) : null;
}

function sort(table, column, down) {
    var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (a, b) {
        var x = a.cells[column].textContent.trim(), y = b.cells[column].textContent.trim();
        var m = number(x), n = number(y);
        var order = m !== null && n !== null ? m - n : m !== null ? 1 : n !== null ? -1 : x.localeCompare(y);
        return down ? -order : order;
    });
    rows.forEach(function (row) { body.appendChild(row); });
}

function sortable(table) {
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell, column) {
        if (cell.tagName !== "TH")
            return;
        var button = document.createElement("button");
        button.type = "button";
        while (cell.firstChild)
            button.appendChild(cell.firstChild);
        cell.appendChild(button);
        button.addEventListener("click", function () {
            var down = cell.getAttribute("aria-sort") !== "descending";
            Array.prototype.forEach.call(table.tHead.rows[0].cells, function (other) {
                other.removeAttribute("aria-sort");
            });
            cell.setAttribute("aria-sort", down ? "descending" : "ascending");
            sort(table, column, down);
        });
    });
}

function filterable(table) {
    var field = document.createElement("input");
    field.className = "filter";
    field.type = "search";
    field.placeholder = "Show rows that have …";
    field.setAttribute("aria-label", field.placeholder);
    field.addEventListener("input", function () {
        var wanted = field.value.toLowerCase();
        Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
            row.hidden = wanted !== "" && row.textContent.toLowerCase().indexOf(wanted) < 0;
        });
    });
    table.parentNode.parentNode.insertBefore(field, table.parentNode);
}

Array.prototype.forEach.call(document.querySelectorAll("table[id]"), function (table) {
    if (table.tBodies[0].rows.length > 1)
        sortable(table);
    if (table.tBodies[0].rows.length > 8)
        filterable(table);
});

/* ---- A measure lit up. */

var lit = null;

function light(measure) {
    lit = lit === measure ? null : measure;
    document.body.classList.toggle("lighting", lit !== null);
    Array.prototype.forEach.call(document.querySelectorAll(".lit"), function (element) {
        element.classList.toggle("on", element.getAttribute("data-of") === lit);
    });
    Array.prototype.forEach.call(document.querySelectorAll("tr.lit"), function (row) {
        row.setAttribute("aria-selected", String(row.getAttribute("data-of") === lit));
    });
}

Array.prototype.forEach.call(document.querySelectorAll(".lit"), function (element) {
    element.addEventListener("click", function () { light(element.getAttribute("data-of")); });
});
Array.prototype.forEach.call(document.querySelectorAll("tr.lit"), function (row) {
    row.tabIndex = 0;
    row.addEventListener("keydown", function (event) {
        if (event.target === row && (event.key === "Enter" || event.key === " ")) {
            event.preventDefault();
            light(row.getAttribute("data-of"));
        }
    });
});
document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && lit !== null)
        light(lit);
});

/* ---- The numbers of a bar, under the mouse. */

function line(tip, name, value, bold) {
    var row = document.createElement(bold ? "b" : "span");
    row.appendChild(document.createTextNode(name));
    if (value !== undefined) {
        var right = document.createElement("span");
        right.textContent = value;
        row.appendChild(right);
    }
    tip.appendChild(row);
}

function hover(figure) {
    var table = document.getElementById(figure.getAttribute("data-values"));
    var svg = figure.querySelector("svg");
    if (!table || !svg || !svg.viewBox.baseVal.width)
        return;
    /* In the order of time, however the table is sorted later. */
    var rows = Array.prototype.slice.call(table.tBodies[0].rows), names = table.tHead.rows[0].cells;
    var left = Number(figure.getAttribute("data-left")), right = Number(figure.getAttribute("data-right"));
    var tip = null;
    function away() {
        if (tip)
            tip.remove();
        tip = null;
    }
    svg.addEventListener("mousemove", function (event) {
        var box = svg.getBoundingClientRect();
        var x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
        var at = Math.floor((x - left) / (right - left) * rows.length);
        away();
        if (x < left || at < 0 || at >= rows.length)
            return;
        tip = document.createElement("div");
        tip.className = "tip";
        line(tip, rows[at].cells[0].textContent, undefined, true);
        for (var i = 1; i < names.length; i++)
            line(tip, names[i].textContent, rows[at].cells[i].textContent);
        figure.appendChild(tip);
        var frame = figure.getBoundingClientRect(), side = event.clientX - frame.left + 14;
        if (side + tip.offsetWidth > frame.width)
            side = Math.max(0, event.clientX - frame.left - tip.offsetWidth - 14);
        tip.style.left = side + "px";
        tip.style.top = Math.max(0, event.clientY - frame.top - tip.offsetHeight - 8) + "px";
    });
    svg.addEventListener("mouseleave", away);
}

Array.prototype.forEach.call(document.querySelectorAll("figure[data-values]"), hover);
}());
