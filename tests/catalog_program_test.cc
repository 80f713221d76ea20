#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "catalog/pickle.h"
#include "catalog/pickle_writer.h"
#include "catalog/script_source.h"

namespace attnviz {
namespace {

constexpr char kSound[] =
    "class M(Module):\n"
    "  __parameters__ = [\"w\", ]\n"
    "  __annotations__ = []\n"
    "  __annotations__[\"0\"] = __torch__.torch.nn.modules.linear.Linear\n"
    "  w : Tensor\n"
    "  save : Optional[bool]\n"
    "  def forward(self: __torch__.a.M,\n"
    "    input_ids: Tensor,\n"
    "    scale: float=1.5e-05) -> Tuple[Tensor, int]:\n"
    "    w = self.w\n"
    "    _0 = getattr(self, \"0\")\n"
    "    _1 = (_0).forward1(torch.add(w, CONSTANTS.c0, alpha=-1), )\n"
    "    _2 = int(ops.prim.NumToTensor(torch.size(input_ids, 1)))\n"
    "    a, b, = _1\n"
    "    _3 = annotate(List[Optional[Tensor]], [a, None])\n"
    "    _4 = __torch__.helper.scaled(a, -3.4e+38, torch.device(\"cpu\"))\n"
    "    if bool(a):\n"
    "      c = a\n"
    "    else:\n"
    "      c = b\n"
    "    return (c, _2)\n";

std::string fault_of(std::string_view source) {
  try {
    ScriptUnits units;
    static_cast<void>(checked_source(source, "__torch__.a", units));
  } catch (const SourceFault& fault) {
    return std::to_string(fault.line) + ": " + fault.what();
  }
  return "nothing";
}

TEST(CheckSource, PassesWhatATraceIsMadeOf) { EXPECT_EQ(fault_of(kSound), "nothing"); }

TEST(CheckSource, WritesWhatItSaw) {
  ScriptUnits units;
  const std::string written = checked_source(kSound, "__torch__.a", units);
  EXPECT_EQ(written.substr(0, 60), "class M ( Module ) :\n  __parameters__ = [ \"w\" , ]\n  __annota");
  EXPECT_EQ(fault_of(written), "nothing");
  const std::vector<ScriptAttribute>& attributes = units.at("__torch__.a.M").attributes;
  ASSERT_EQ(attributes.size(), 3U);
  EXPECT_EQ(attributes[0].name + " " + to_string(attributes[0].type),
            "0 __torch__.torch.nn.modules.linear.Linear");
  EXPECT_EQ(attributes[2].name + " " + to_string(attributes[2].type), "save Optional[bool]");
  const char* const source = "def f(x: Tensor) -> Tensor:\n    y = x is  not a\n\n     \n    y = not input\n";
  const char* const empty = "def g(x: Tensor) -> Tensor:\n  return torch.add(torch.empty([2]), x.empty)\n";
  EXPECT_EQ(checked_source(empty, "a", units),
            "def g ( x : Tensor ) -> Tensor :\n"
            "  return torch . add ( torch . zeros ( [ 2 ] ) , x . empty )\n");
  EXPECT_EQ(checked_source(source, "a", units),
            "def f ( x : Tensor ) -> Tensor :\n  y = x is not  a\n  y = not  input\n");
}

TEST(CheckSource, RefusesWhatDeclaresNothingThatATraceDoes) {
  struct Case {
    std::string source, fault;
  };
  for (const Case& c : std::vector<Case>{
           {"y = 1\n", "1: a statement outside of classes of modules and functions"},
           {"class A(Enum):\n  x : int\n", "1: a statement outside of classes of modules and functions"},
           {"class A(Module):\n  x : int\nclass A(Module):\n  x : int\n", "3: defines A twice"},
           {"class A(Module):\n  training : Tensor\n", "2: declares training as Tensor"},
           {"class A(Module):\n  x = 1\n", "2: declares what no trace declares"},
           {"class A(Module):\n  x : (int)\n", "2: declares a type that no trace has"},
           {"class A(Module):\n  x : __torch__.a.A\n", "2: mentions itself"},
           {"class A(Module):\n", "2: a block without statements"},
           {"class A(Module):\n  __parameters__ = [x]\n", "2: a list of names that holds something else"},
           {"class A(NamedTuple):\n  x : __torch__.a.B\n", "2: a named tuple of classes"},
           {"def f(x: Tensor):\n  return x\n", "1: a function that does not tell its result's type"},
           {"def f(x: Tensor) -> Tensor:\nreturn x\n", "2: a block without statements"},
           {"def f(x: Tensor) -> Tensor:\n  y = x\n    return y\n", "3: blanks in front that fit no block"},
           {"def f(x: Tensor) -> Tensor:\n    y = x\n  return y\n", "3: blanks in front that fit no block"},
           {"def f(x: Tensor) -> Tensor:\n  def g(x: Tensor) -> Tensor:\n    return x\n",
            "2: a 'def' inside a function"}}) {
    EXPECT_EQ(fault_of(c.source), c.fault) << c.source;
  }
}

TEST(CheckSource, RefusesEverythingElse) {
  struct Case {
    std::string line, fault;
  };
  for (const Case& c : std::vector<Case>{
           {"torch.save(x, \"f\")", "calls torch.save, which is not known to be harmless"},
           // Writes behind its bins, and reads wherever offsets say.
           {"torch.histc(x, 16777219, 0, 1)", "calls torch.histc, which is not known to be harmless"},
           {"torch._grouped_mm(x, w, o)", "calls torch._grouped_mm, which is not known to be harmless"},
           {"torch . save (x)", "calls torch.save, which is not known to be harmless"},
           {"y = (torch.\nsave(x))", "calls torch.save, which is not known to be harmless"},
           {"torch.add.save(x)", "calls torch.save, which is not known to be harmless"},
           {"ops.aten.save(x)", "calls ops.aten.save, which is not known to be harmless"},
           {"ops.aten(x)", "calls ops.aten.aten, which is not known to be harmless"},
           {"x.save(\"f\")", "calls .save, which is not known to be harmless"},
           {"(x).forwards(1)", "calls .forwards, which is not known to be harmless"},
           {"self.torch.add(1)", "calls .add, which is not known to be harmless"},
           {"print(x)", "calls print, which is not known to be harmless"},
           {"y = x.save", "nothing"},
           {"y = x.save\ny(\"f\")", "calls y, which is not known to be harmless"},
           {"int = x.save", "gives int another meaning"},
           {"int : T = x.save", "gives int another meaning"},
           {"a, int, = x", "gives int another meaning"},
           {"(int, a) = x", "sets what is no name"},
           {"a, (int, b), c = x", "sets what is no name"},
           {"[int] = x", "sets what is no name"},
           {"torch = x", "gives torch another meaning"},
           {"y = torch", "names torch of torch without calling it"},
           {"y = ops.aten", "names aten of ops without calling it"},
           {"y = torch.save", "names save of torch without calling it"},
           {"y = f(x)(x)", "calls f, which is not known to be harmless"},
           {"getattr(x, \"save\")(1)", "calls what no name stands for"},
           {"\"x\"(1)", "calls what no name stands for"},
           {"__torch__.torch.classes.a.B(1)", "makes a C++ class of torch.classes"},
           {"def __setstate__(self):", "defines __setstate__, which may run without being called"},
           {"self.x = x", "sets an attribute, which no trace does"},
           {"y = self.x = x", "sets two things at once"},
           {"y = unchecked_cast(Tensor, x)", "nothing"},
           {"y = unchecked_cast(List[int], x)", "casts to another type than a plain one"},
           {"y = unchecked_cast(__torch__.A, x)", "casts to another type than a plain one"},
           {"y = self", "hands self on"},
           {"y = getattr(self, \"0\")", "nothing"},
           {"y = self.forward1(x)", "hands self on"},
           {"def f(self, x: int=torch.save(1)):", "calls torch.save, which is not known to be harmless"},
           {"def f(int: Tensor):", "gives int another meaning"},
           {"while True:", "'while', which no trace has"},
           {"y = [i for i in x]", "'for', which no trace has"},
           {"import os", "'import', which no trace has"},
           {"y = x[0]", "an index, which no trace has"},
           {"y = {\"a\": x, \"b\": {}}", "nothing"},
           {"return {\"a\": x}", "nothing"},
           {"y = {\"a\": torch.save(x)}", "calls torch.save, which is not known to be harmless"},
           {"y = {\"a\": x}[\"a\"]", "an index, which no trace has"},
           {"y = {\"a\": x}(1)", "calls what no name stands for"},
           {"{\"a\": int} = x", "a brace that begins no dictionary"},
           {"y = x{1}", "a brace that begins no dictionary"},
           {"y = {torch: x}", "gives torch another meaning"},
           {"y = 1 # torch", "holds '#', which no trace has"},
           {"y = 1; z = 2", "holds ';', which no trace has"},
           {"y = 1 \\", "holds '\\', which no trace has"},
           {"y = x @ x", "holds '@', which no trace has"},
           {"y = 1\ty", "holds byte 9, which no trace has"},
           {"y = \xC3\xA4", "holds byte 195, which no trace has"},
           {std::string("y = \0", 5), "holds byte 0, which no trace has"},
           {"y = 'a\nb'", "a string without an end"},
           {"y = \"\"\"a\"\"\"", "a string in three quotes"},
           {"y = '\\' + torch.save(x)", "a string without an end"},
           {"y = 0x10", "a number that is none"},
           {"y = 1.forward()", "a number that is none"},
           {"y = (1", "a bracket without an end"},
           {"y = 1)", "a bracket too many"},
           {"y = " + std::string(101, '('), "brackets too deep"},
           {std::string(98, ' ') + "y = 1", "nothing"},
           {"y = 1\n" + std::string(101, ' ') + "y = 1", "blocks too deep"}}) {
    std::string lines = "\n" + c.line;
    for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; at += 3) {
      lines.insert(at + 1, 2, ' ');
    }
    const std::string fault =
        fault_of(c.line.starts_with("def ") ? c.line : "def f(x: Tensor) -> Tensor:" + lines + "\n");
    EXPECT_EQ(fault.substr(fault.find(": ") == std::string::npos ? 0 : fault.find(": ") + 2), c.fault)
        << c.line;
  }
}

TEST(CheckSource, SaysInWhichLine) {
  EXPECT_EQ(fault_of(std::string(kSound) + "    torch.save(c)\n"),
            "22: calls torch.save, which is not known to be harmless");
}

TEST(CheckSource, TakesATextCutAnywhere) {
  for (std::size_t size = 0; size < sizeof kSound; ++size) {
    EXPECT_FALSE(fault_of(std::string_view(kSound, size)).empty());
  }
}

std::string pickle_fault(const std::string& body) {
  try {
    static_cast<void>(read_pickle("\x80\x02" + body + "."));
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

std::string tensor_fault(const std::string& body) {
  try {
    static_cast<void>(write_constants(read_pickle("\x80\x02" + body + "\x85."), {{"0", 64}}));
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

/// A float tensor of storage 0.
std::string tensor(const std::string& count, const std::string& offset, const std::string& sizes,
                   const std::string& strides) {
  using namespace std::string_literals;
  return "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"s +
         "0X\3\0\0\0cpu"s + count + "tQ" + offset + sizes + strides + "\x89NtR";
}

TEST(WritePickle, PassesTensorsInsideTheirStorages) {
  EXPECT_EQ(tensor_fault(tensor("K\x10", "K\x0C", "K\2K\2\x86", "K\2K\1\x86")), "nothing");
  EXPECT_EQ(tensor_fault(tensor("K\x10", "K\x0D", "K\2K\2\x86", "K\2K\1\x86")),
            "makes a tensor that reaches out of its storage");
  EXPECT_EQ(tensor_fault(tensor("K\x10", "K\x10", "K\x05K\2\x86", "K\2K\1\x86")),
            "makes a tensor that reaches out of its storage");
  EXPECT_EQ(tensor_fault(tensor("K\x11", "K\1", "K\2\x85", "K\1\x85")),
            "tells of 17 numbers in storage 0, which has 64 bytes");
}

TEST(ReadPickle, RefusesWhatIsNoModule) {
  struct Case {
    std::string body, fault;
  };
  for (const Case& c :
       std::vector<Case>{{"c__torch__\nM\n)\x81}b", "nothing"},
                         {"ccollections\nOrderedDict\n)R", "nothing"},
                         {"]q\1\x85h\1K\1a\x86", "nothing"},
                         {"c__torch__\nM\n)R", "calls what is no function"},
                         {"c__torch__\nM\n)\x81}K\1K\1sb", "gives an object an attribute without a name"},
                         {"cos\nsystem\n)R", "uses os.system, which is not known to be harmless"},
                         {"c__torch__.torch.classes.a\nB\n)R",
                          "uses __torch__.torch.classes.a.B, which is not known to be harmless"},
                         {"K\1)R", "calls what is no function"},
                         {"]q\1h\1a", "puts a value into itself"},
                         {")K\1"
                          "a",
                          "fills what is no list"},
                         {"](a", "takes a value that is not there"},
                         {"", "gives no single value"},
                         {"(", "gives no single value"},
                         {"K\1K\1", "gives no single value"},
                         {"t", "takes a value that is not there"},
                         {"\x85", "takes a value that is not there"},
                         {"h\1", "takes a value that is not there"},
                         {"q\1", "takes a value that is not there"},
                         {"i", "holds instruction 105, which torch.jit.save does not write"},
                         {"K\1.K\1", "goes on behind its end"},
                         {"X\xFF\xFF\xFF\x7F", "holds a string of 2147483647 bytes"},
                         {std::string(202, '(') + std::string(202, 't'), "nests values too deep"}}) {
    EXPECT_EQ(pickle_fault(c.body), c.fault) << c.body;
  }
}

}  // namespace
}  // namespace attnviz
