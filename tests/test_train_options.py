"""What a run is known by, and where it keeps what it computes."""

from pathlib import Path

from dogbreed.train.options import Options, default_cache_dir, public_name


def test_the_start_decides_the_result(tmp_path):
    without = Options(output=tmp_path)
    started = Options(output=tmp_path, init_from=str(tmp_path))
    on_hub = Options(output=tmp_path, init_from="ann/dogs@v1")
    assert without.deciding()["init_from"] is None
    assert started.deciding()["init_from"] == tmp_path.name
    assert on_hub.deciding()["init_from"] == "ann/dogs@v1"


def test_folders_of_this_machine_are_not_named(tmp_path):
    folder = tmp_path / "private" / "photos"
    folder.mkdir(parents=True)
    assert public_name(str(folder)) == "photos"
    assert public_name("ann/dogs") == "ann/dogs"
    options = Options(tmp_path, not_dogs=str(folder), cache_dir=tmp_path)
    assert options.deciding()["not_dogs"] == "photos"
    assert str(tmp_path) not in repr(options.deciding())


def test_the_cache_is_where_the_user_wants_it(monkeypatch, tmp_path):
    monkeypatch.delenv("DOGBREED_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "dogbreed"
    monkeypatch.setenv("DOGBREED_CACHE", "elsewhere")
    assert default_cache_dir() == Path("elsewhere")
