"""What the tests of tables share: files of text, and their columns."""

from kobai.tasks.table.read import read


def writer(folder):
    """A function that writes a file into the folder and gives its path."""

    def write(content, name="data.csv", encoding="utf-8"):
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def columns(source):
    table = read(source)
    return {name: table.column(name).to_list() for name in table.names}
