"""A headless Chromium for tests of pages: the same window, language and colours everywhere, and no network."""
import os
import pathlib
import shutil
import tempfile

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.support.ui import WebDriverWait

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Browser:
    """with Browser(downloads=directory) as browser: browser.open("page.html"); browser.run("return document.title")

    It has a profile of its own, so that several run side by side. online=True reaches servers of this machine, and only them.
    What is not wrapped here is in `driver`, Selenium's.
    """

    def __init__(self, *, downloads=None, online=False, size=(1280, 900), colors="light"):
        self._downloads = pathlib.Path(downloads).resolve() if downloads else None
        self._online = online
        self._size = size
        self._colors = colors

    def __enter__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="attnviz-browser-", ignore_cleanup_errors=True)
        try:
            self.driver = self._start()
        except BaseException:
            self._profile.cleanup()
            raise
        return self

    def __exit__(self, *_):
        self.driver.quit()
        self._profile.cleanup()

    def open(self, page):
        """A file's path or a URL."""
        self.driver.get(page if isinstance(page, str) and "://" in page else pathlib.Path(page).resolve().as_uri())

    def run(self, script, *arguments):
        """What a JavaScript function of this body returns; elements of the page can be passed and come back."""
        return self.driver.execute_script(script, *arguments)

    def screenshot(self, path):
        """Of what is in the window, as PNG."""
        pathlib.Path(path).write_bytes(self.driver.get_screenshot_as_png())

    def prefer_colors(self, scheme):
        """"light" or "dark", as the page's prefers-color-scheme sees it, at once."""
        self._command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def messages(self):
        """What the console got since the last call, errors of scripts and of loading included."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    def downloaded(self, name, seconds=20):
        """The path of a file the page saved, once it is whole: Chromium gives it its name last."""
        path = self._downloads / name
        WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: path.exists(), f"no {name} was saved")
        return path

    def _start(self):
        browser, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
        if not browser or not driver:
            missing = "chromedriver" if browser else "Chromium"
            if os.environ.get("ATTNVIZ_NO_BROWSER"):
                pytest.skip(f"there is no {missing} here")
            raise RuntimeError(f"there is no {missing} here: scripts/setup --tests installs it on Debian; "
                               "elsewhere install Google Chrome and its chromedriver")
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for argument in self._arguments():
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # The driver is named, or Selenium would go and look for one in the network.
        service = webdriver.ChromeService(executable_path=driver)
        try:
            self.driver = webdriver.Chrome(options=options, service=service)
        except WebDriverException as error:
            raise RuntimeError(f"{browser} did not start: {error.msg}") from None
        self._settle()
        return self.driver

    def _arguments(self):
        names = ", ".join(["MAP * ~NOTFOUND"] + [f"EXCLUDE {host}" for host in LOOPBACK if self._online])
        return ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
                "--lang=en-US", "--accept-lang=en-US", "--force-device-scale-factor=1", "--force-color-profile=srgb",
                f"--host-resolver-rules={names}", f"--user-data-dir={self._profile.name}"]

    def _settle(self):
        width, height = self._size
        # --window-size counts the frame, which differs between versions.
        self._command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.prefer_colors(self._colors)
        if not self._online:
            self._command("Network.enable")
            self._command("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        allowed = {"behavior": "allow", "downloadPath": str(self._downloads)} if self._downloads else {"behavior": "deny"}
        self._command("Browser.setDownloadBehavior", **allowed)

    def _command(self, name, **parameters):
        self.driver.execute_cdp_cmd(name, parameters)
