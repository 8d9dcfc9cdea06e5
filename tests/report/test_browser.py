"""The report's page in a real browser: it opens from a file without a network, says nothing on the console, is no wider
than the window, no label of a graph stands on another, tables sort and filter, a measure is lit up, all by keyboard
too. Reports of 0, 1, 30 and 400 days at 360, 1280 and 1920 pixels. MXREPLAY_SHOTS=FOLDER keeps pictures of them."""
import base64, datetime, json, os, random, re, subprocess, sys, tempfile, unittest

try:
    from selenium import webdriver
except ImportError:  # Debian's packages are of Debian's python3
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/lib/python3/dist-packages/selenium"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    print("skipped: python3-selenium is not installed")
    sys.exit(0)
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("MXREPLAY_PLAIN") or os.environ["MXREPLAY"]
SHOTS = os.environ.get("MXREPLAY_SHOTS")
WIDTHS = (360, 1280, 1920)

# Texts in one picture whose boxes have more than a pixel in common.
OVERLAPS = """
var bad = [];
document.querySelectorAll("figure svg").forEach(function (svg) {
    var boxes = [];
    svg.querySelectorAll("text").forEach(function (text) {
        var box = text.getBoundingClientRect();
        if (text.textContent.trim() && box.width)
            boxes.push([box, text.textContent]);
    });
    var frame = svg.getBoundingClientRect();
    boxes.forEach(function (a, i) {
        if (a[0].left < frame.left - 1 || a[0].right > frame.right + 1)
            bad.push([svg.parentNode.parentNode.id, "outside", a[1]]);
        boxes.slice(i + 1).forEach(function (b) {
            var across = Math.min(a[0].right, b[0].right) - Math.max(a[0].left, b[0].left);
            var down = Math.min(a[0].bottom, b[0].bottom) - Math.max(a[0].top, b[0].top);
            if (across > 1 && down > 3)
                bad.push([svg.parentNode.parentNode.id, a[1], b[1]]);
        });
    });
});
return bad;
"""

# WCAG 2 contrast of each text with what is behind it; AA wants 4.5, or 3 where it is large.
CONTRASTS = """
function channel(c) { c /= 255; return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4); }
function light(c) { return 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]); }
function colour(text) { return text.match(/[\\d.]+/g).map(Number); }
var bad = [];
document.querySelectorAll("h1,h2,h3,p,li,th,td,dt,dd b,small,a,summary,figure text").forEach(function (element) {
    if (!element.textContent.trim() || !element.getClientRects().length)
        return;
    var style = getComputedStyle(element), front = colour(element.namespaceURI.indexOf("svg") > 0 ? style.fill : style.color);
    var behind = element, back = [0, 0, 0, 0];
    while (behind && back[3] === 0) {
        back = colour(getComputedStyle(behind).backgroundColor);
        back = back.length < 4 ? back.concat(1) : back;
        behind = behind.parentElement;
    }
    var a = light(front), b = light(back), size = parseFloat(style.fontSize);
    var ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (size >= 24 ? 3 : 4.5))
        bad.push([element.tagName, element.textContent.slice(0, 40), ratio.toFixed(2)]);
});
return bad.slice(0, 5);
"""


def log_of(days, each):
    """A Postfix log of so many days: most are refused for one of three reasons, some are accepted."""
    draw = random.Random(days)
    pid = 1000
    for day in range(days):
        for second in sorted(draw.random() * 86400 for _ in range(each)):
            at = datetime.datetime(2025, 10, 1) + datetime.timedelta(days=day, seconds=second)
            pid += 1
            who = "198.18.%d.%d" % (draw.randrange(256), draw.randrange(1, 255))
            begin = "%s+00:00 mx postfix/smtpd[%d]: " % (at.strftime("%Y-%m-%dT%H:%M:%S.%f"), pid)
            to = "from=<s%d@example.com> to=<u%d@example.org> proto=ESMTP helo=<h.example.net>" % (
                draw.randrange(99), draw.randrange(30))
            says = [
                "450 4.7.1 Client host rejected: cannot find your reverse hostname, [%s]" % who,
                "554 5.7.1 Service unavailable; Client host [%s] blocked using zen.spamhaus.org" % who,
                "550 5.1.1 <u@example.org>: Recipient address rejected: User unknown in local recipient table",
                None][draw.randrange(4)]
            yield begin + "connect from unknown[%s]\n" % who
            if says:
                yield begin + "NOQUEUE: reject: RCPT from unknown[%s]: %s; %s\n" % (who, says, to)
            yield begin + "disconnect from unknown[%s]\n" % who


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         "--hide-scrollbars", "--user-data-dir=" + cls.folder.name + "/profile"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()
        cls.folder.cleanup()

    def report(self, name, days, each):
        log, database, out = (os.path.join(self.folder.name, name + end) for end in (".log", ".db", ""))
        with open(log, "w") as to:
            to.writelines(log_of(days, each))
        for words in (["collect", "-q", "-d", database, log],
                      ["report", "-q", "-d", database, "-p", "talk-2009", "--tz", "UTC", "--by", "day", "-o", out]):
            subprocess.run([PROGRAM] + words, check=True)
        return out + "/index.html"

    def open(self, page, width, scheme="light"):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.browser.get("file://" + page)

    def shoot(self, name):
        if SHOTS:
            height = self.browser.execute_script("return document.documentElement.scrollHeight")
            width = self.browser.execute_script("return innerWidth")
            picture = self.browser.execute_cdp_cmd("Page.captureScreenshot", {
                "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}})
            with open(os.path.join(SHOTS, name + ".png"), "wb") as to:
                to.write(base64.b64decode(picture["data"]))

    def look(self, page, name):
        self.browser.get("about:blank")
        self.browser.get_log("performance")  # of the browser's own first page
        for width in WIDTHS:
            self.open(page, width)
            self.shoot("%s-%d" % (name, width))
            wide = self.browser.execute_script("return document.documentElement.scrollWidth")
            self.assertLessEqual(wide, width, "%s is wider than the window of %d" % (name, width))
            self.assertEqual(self.browser.execute_script(OVERLAPS), [], "%s at %d" % (name, width))
        for scheme in ("light", "dark"):
            self.open(page, 1280, scheme)
            self.assertEqual(self.browser.execute_script(CONTRASTS), [], "%s, %s" % (name, scheme))
        self.shoot(name + "-dark")
        self.assertEqual([entry for entry in self.browser.get_log("browser")], [])
        asked = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        urls = [message["params"]["request"]["url"] for message in asked if message["method"] == "Network.requestWillBeSent"]
        self.assertTrue(urls)
        self.assertEqual([url for url in urls if not url.startswith("file://") or not url.endswith("/index.html")], [])

    def test_no_day(self):
        maker = os.path.join(ROOT, "build/asan/tests/report/test_month")
        if not os.path.exists(maker):
            self.skipTest("the report of nothing is made by tests/report/test_month")
        keep = os.path.join(self.folder.name, "nothing")
        subprocess.run([maker], check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, CK_RUN_CASE="empty", MXREPLAY_KEEP=keep))
        self.look(keep + "/index.html", "nothing")

    def test_one_day(self):
        self.look(self.report("one", 1, 50), "one")

    def test_thirty_days(self):
        page = self.report("thirty", 30, 12)
        self.look(page, "thirty")
        self.sorts_and_filters(page)
        self.lights_up()
        self.tells_numbers()
        self.prints()

    def test_four_hundred_days(self):
        self.look(self.report("year", 400, 3), "year")

    def column(self, table, number):
        rows = self.browser.find_elements(By.CSS_SELECTOR, "#%s tbody tr" % table)
        return [row.find_elements(By.CSS_SELECTOR, "th,td")[number].text for row in rows if row.is_displayed()]

    def sorts_and_filters(self, page):
        self.open(page, 1280)
        button = self.browser.find_elements(By.CSS_SELECTOR, "#t-networks thead button")[1]
        came = [int(text.replace(",", "")) for text in self.column("t-networks", 1)]
        self.assertEqual(came, sorted(came, reverse=True))
        button.click()
        button.send_keys(Keys.ENTER)  # the second time from below, and by keyboard
        self.assertEqual([int(text) for text in self.column("t-networks", 1)], sorted(came))
        self.assertEqual(button.find_element(By.XPATH, "..").get_attribute("aria-sort"), "ascending")
        name = self.column("t-networks", 0)[3]
        self.browser.find_element(By.CSS_SELECTOR, "#networks .filter").send_keys(name)
        self.assertEqual(self.column("t-networks", 0), [name])

    def lights_up(self):
        def lit():
            return {element.get_attribute("data-of") for element in self.browser.find_elements(By.CSS_SELECTOR, ".lit.on")}
        row = self.browser.find_element(By.CSS_SELECTOR, "#t-replay tr[data-of=dnsbl]")
        row.click()
        self.assertEqual(lit(), {"dnsbl"})
        self.assertGreater(len(self.browser.find_elements(By.CSS_SELECTOR, "svg .lit.on")), 0)
        row.send_keys(Keys.ESCAPE)
        self.assertEqual(lit(), set())
        row.send_keys(Keys.ENTER)
        self.assertEqual(lit(), {"dnsbl"})
        row.send_keys(Keys.ENTER)
        self.assertEqual(lit(), set())

    def tells_numbers(self):
        svg = self.browser.find_element(By.CSS_SELECTOR, "#g-counts svg")
        self.browser.execute_script("arguments[0].scrollIntoView()", svg)
        self.browser.execute_script("""var box = arguments[0].getBoundingClientRect(), scale = box.width / 960;
            arguments[0].dispatchEvent(new MouseEvent("mousemove", {bubbles: true,
                clientX: box.left + (72 + 620 / 30 * 2.5) * scale, clientY: box.top + 200}));""", svg)
        tip = self.browser.find_element(By.CLASS_NAME, "tip").text
        self.assertTrue(tip.startswith("2025-10-03\n"), tip)
        self.assertTrue(re.search(r"together\s*12$", tip), tip)

    def prints(self):
        printed = base64.b64decode(self.browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
        self.assertTrue(re.search(rb"/MediaBox \[0 0 59[45][.\d]* 84[12][.\d]*\]", printed), "not A4")


if __name__ == "__main__":
    unittest.main()
